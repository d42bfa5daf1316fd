// SPDX-License-Identifier: Apache-2.0
#include "conv/gemm/im2col.h"

#include "conv/gemm/blocking.h"

namespace accrete::kernels::cpu {
namespace {

// Output p meets pixel h through tap r = h + pad - p * stride. For h = first + i * stride and tap
// number t of the phase that is p = i + (first + pad) / stride - t.
PhaseAxis phase_axis(std::int64_t first, std::int64_t stride, std::int64_t pixels,
                     std::int64_t filter, std::int64_t pad) {
  PhaseAxis axis;
  axis.step = stride;
  axis.first = first;
  axis.count = divide_up(pixels - first, stride);
  axis.first_tap = (first + pad) % stride;
  axis.taps = axis.first_tap < filter ? divide_up(filter - axis.first_tap, stride) : 0;
  axis.pad = axis.taps - 1 - (first + pad) / stride;
  return axis;
}

}  // namespace

StridePhase stride_phase(const ConvProblem& problem, std::int64_t h, std::int64_t w) {
  return {phase_axis(h, problem.stride_h, problem.H, problem.R, problem.pad_h),
          phase_axis(w, problem.stride_w, problem.W, problem.S, problem.pad_w)};
}

Im2col im2col_of_gradient(const ConvProblem& problem, const ConstTensorView& grad_y,
                          const StridePhase& phase) {
  Im2col m = source_of(grad_y);
  m.images = problem.N, m.height = problem.P(), m.width = problem.Q(), m.channels = problem.K;
  m.filter_h = phase.h.taps, m.filter_w = phase.w.taps;
  m.pad_h = phase.h.pad, m.pad_w = phase.w.pad;
  m.out_h = phase.h.count, m.out_w = phase.w.count;
  return m;
}

}  // namespace accrete::kernels::cpu
