// SPDX-License-Identifier: Apache-2.0
// Packing of weights into the right operand of the dot form: panels [reduction][panel width], in
// full vectors, zero behind the last column. Cut into strips of the reduction, one task each.
#if defined(ACCRETE_CPU_GEMM_PACK_WEIGHTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_PACK_WEIGHTS_INL_H_
#undef ACCRETE_CPU_GEMM_PACK_WEIGHTS_INL_H_
#else
#define ACCRETE_CPU_GEMM_PACK_WEIGHTS_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "accrete/kernels/problem.h"
#include "accrete/kernels/thread_pool.h"
#include "cpu/gemm/blocking.h"
#include "cpu/gemm/tile-inl.h"
#include "cpu/gemm/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

constexpr std::int64_t kPackStrip = 256;  // rows of the reduction per task

/// Rows [first, last) of B[(r,s,c)][k] = weight[k][(r,s,c)].
inline void pack_forward_strip(const float* weight, const DotBlocking& blocking, std::int64_t first,
                               std::int64_t last, float* packed) {
  for (std::int64_t column = 0; column < blocking.columns; column += kPanel) {
    const std::int64_t width = panel_vectors(blocking.columns - column) * kLanes;
    const std::int64_t count = std::min(width, blocking.columns - column);
    float* target = packed + column * blocking.reduction + first * width;
    transpose(weight + column * blocking.reduction + first, blocking.reduction, count, last - first,
              target, width);
    if (count < width) {
      for (std::int64_t i = 0; i < last - first; ++i) {
        std::fill(target + i * width + count, target + (i + 1) * width, 0.0F);
      }
    }
  }
}

/// Rows [first, last) of B[(r,s,k)][c] = weight[k][R-1-r][S-1-s][c].
inline void pack_turned_strip(const float* weight, const ConvProblem& problem,
                              const DotBlocking& blocking, std::int64_t first, std::int64_t last,
                              float* packed) {
  const FloatTag d;
  const std::int64_t taps = problem.R * problem.S;
  for (std::int64_t row = first; row < last; ++row) {
    const std::int64_t tap = taps - 1 - row / problem.K;
    const float* source = weight + (row % problem.K * taps + tap) * problem.C;
    for (std::int64_t column = 0; column < problem.C; column += kPanel) {
      const std::int64_t width = panel_vectors(problem.C - column) * kLanes;
      float* target = packed + column * blocking.reduction + row * width;
      for (std::int64_t j = 0; j < width; j += kLanes) {
        const std::int64_t count = problem.C - column - j;
        hn::Store(count >= kLanes ? hn::LoadU(d, source + column + j)
                                  : load_some(source + column + j, count),
                  d, target + j);
      }
    }
  }
}

inline void pack_forward_weights(ThreadPool& pool, const float* weight, const DotBlocking& blocking,
                                 float* packed) {
  pool.parallel_for(ceil_div(blocking.reduction, kPackStrip), [&](std::int64_t strip) HWY_ATTR {
    const std::int64_t first = strip * kPackStrip;
    pack_forward_strip(weight, blocking, first, std::min(first + kPackStrip, blocking.reduction),
                       packed);
  });
}

inline void pack_turned_weights(ThreadPool& pool, const float* weight, const ConvProblem& problem,
                                const DotBlocking& blocking, float* packed) {
  pool.parallel_for(ceil_div(blocking.reduction, kPackStrip), [&](std::int64_t strip) HWY_ATTR {
    const std::int64_t first = strip * kPackStrip;
    pack_turned_strip(weight, problem, blocking, first,
                      std::min(first + kPackStrip, blocking.reduction), packed);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
