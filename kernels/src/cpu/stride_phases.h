// SPDX-License-Identifier: Apache-2.0
// The gradient of the data of a strided convolution, taken apart. Pixels of x whose positions leave
// the same rest when divided by the stride, a phase, meet the same taps of the filter: their
// gradients are a convolution of grad_y with those taps, turned, at stride 1. At stride 1 there is
// one phase, of all pixels and taps.
#pragma once

#include <algorithm>
#include <cstdint>

#include "accrete/kernels/problem.h"
#include "accrete/kernels/tensor_view.h"
#include "cpu/gemm/im2col.h"

namespace accrete::kernels::cpu {

/// One dimension of a phase.
struct PhaseAxis {
  std::int64_t step = 1;       ///< the stride: between pixels of x, and between taps
  std::int64_t first = 0;      ///< pixel of x
  std::int64_t count = 0;      ///< pixels of x
  std::int64_t first_tap = 0;  ///< of the filter
  std::int64_t taps = 0;       ///< none where the stride is wider than the filter
  std::int64_t pad = 0;        ///< of the convolution at stride 1; may be negative

  /// Tap number `tap` of the turned filter, as a row or column of the filter.
  std::int64_t filter_tap(std::int64_t tap) const { return first_tap + (taps - 1 - tap) * step; }
  /// Pixel number `pixel` of the phase, as a row or column of x.
  std::int64_t position(std::int64_t pixel) const { return first + pixel * step; }
};

struct StridePhase {
  PhaseAxis h, w;
};

inline bool strided(const ConvProblem& problem) {
  return problem.stride_h != 1 || problem.stride_w != 1;
}

/// The phase of pixel (h, w), which lies in the first stride_h x stride_w of the image.
StridePhase stride_phase(const ConvProblem& problem, std::int64_t h, std::int64_t w);

/// Calls visit(phase) for all phases.
template <class Visit>
void for_each_phase(const ConvProblem& problem, const Visit& visit) {
  for (std::int64_t h = 0; h < std::min(problem.stride_h, problem.H); ++h) {
    for (std::int64_t w = 0; w < std::min(problem.stride_w, problem.W); ++w) {
      visit(stride_phase(problem, h, w));
    }
  }
}

/// Rows are the pixels of a phase, columns (r,s,k) of its taps, turned by 180 degrees.
Im2col im2col_of_gradient(const ConvProblem& problem, const ConstTensorView& grad_y,
                          const StridePhase& phase);

}  // namespace accrete::kernels::cpu
