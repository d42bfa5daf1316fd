// SPDX-License-Identifier: Apache-2.0
// Packing of weights into the right operand of the dot form: panels [word][panel width], in
// full vectors, zero behind the last column. Cut into strips of the reduction, one task each.
#if defined(ACCRETE_CPU_GEMM_PACK_WEIGHTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_PACK_WEIGHTS_INL_H_
#undef ACCRETE_CPU_GEMM_PACK_WEIGHTS_INL_H_
#else
#define ACCRETE_CPU_GEMM_PACK_WEIGHTS_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "accrete/kernels/problem.h"
#include "accrete/kernels/thread_pool.h"
#include "cpu/gemm/blocking.h"
#include "cpu/gemm/tile-inl.h"
#include "cpu/gemm/transpose-inl.h"
#include "cpu/gemm/words-inl.h"
#include "cpu/stride_phases.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

constexpr std::int64_t kPackStrip = 256;  // rows of words per task

/// Zeroes columns [count, width) of `rows` rows of a panel.
inline void zero_behind(float* panel, std::int64_t rows, std::int64_t width, std::int64_t count) {
  for (std::int64_t i = 0; count < width && i < rows; ++i) {
    std::fill(panel + i * width + count, panel + (i + 1) * width, 0.0F);
  }
}

/// Whether the rows of the weights, R*S*C elements each, are whole words in memory.
template <class T>
bool rows_are_words(const T* weight, std::int64_t reduction) {
  return reduction % kWordElements<T> == 0 &&
         reinterpret_cast<std::uintptr_t>(weight) % sizeof(float) == 0;
}

/// One word at a time: `count` elements of each of `outputs` rows of the weights, which start at
/// `weight` and are `pitch` apart.
inline void turn_pairs(const Bf16* weight, std::int64_t pitch, std::int64_t outputs,
                       std::int64_t count, float* target, std::int64_t target_pitch) {
  for (std::int64_t i = 0; i < count; i += 2, target += target_pitch) {
    for (std::int64_t k = 0; k < outputs; ++k) {
      const Bf16* from = weight + k * pitch + i;
      const Bf16 pair[2] = {from[0], i + 1 < count ? from[1] : Bf16{}};
      std::memcpy(target + k, pair, sizeof(pair));
    }
  }
}

/// Rows [first, last) of words of B[(r,s,c)][k] = weight[k][(r,s,c)].
template <class T>
void pack_forward_strip(const T* weight, const DotBlocking& blocking, std::int64_t first,
                        std::int64_t last, float* packed) {
  const bool words = rows_are_words(weight, blocking.reduction);
  for (std::int64_t column = 0; column < blocking.columns; column += kPanel) {
    const std::int64_t width = panel_vectors(blocking.columns - column) * kLanes;
    const std::int64_t count = std::min(width, blocking.columns - column);
    float* target = packed + column * blocking.words + first * width;
    if (words) {
      // Bits in the order they have: a pair is moved like a float.
      transpose(reinterpret_cast<const float*>(weight) + column * blocking.words + first,
                blocking.words, count, last - first, target, width);
    } else if constexpr (kWordElements<T> > 1) {
      const std::int64_t element = first * kWordElements<T>;
      turn_pairs(weight + column * blocking.reduction + element, blocking.reduction, count,
                 std::min(last * kWordElements<T>, blocking.reduction) - element, target, width);
    }
    zero_behind(target, last - first, width, count);
  }
}

/// The taps of a phase, turned.
struct TurnedFilter {
  const ConvProblem& problem;
  const StridePhase& phase;

  /// Row (r,s,k), all channels of the weights; null behind the last.
  template <class T>
  const T* row(const T* weight, std::int64_t row) const {
    const std::int64_t tap = row / problem.K;
    if (tap >= phase.h.taps * phase.w.taps) {
      return nullptr;
    }
    const std::int64_t r = phase.h.filter_tap(tap / phase.w.taps);
    const std::int64_t s = phase.w.filter_tap(tap % phase.w.taps);
    return weight + ((row % problem.K * problem.R + r) * problem.S + s) * problem.C;
  }
};

/// One row of words of a panel: channels [column, column + width) of row `row` of the turned
/// filter, with those of the row after it where a word holds two. Zero behind the last channel.
inline void pack_turned_row(const float* weight, const TurnedFilter& filter, std::int64_t row,
                            std::int64_t column, std::int64_t width, float* target) {
  const float* source = filter.row(weight, row) + column;
  for (std::int64_t j = 0; j < width; j += kLanes) {
    const std::int64_t count = filter.problem.C - column - j;
    hn::Store(count >= kLanes ? load_lanes(source + j) : load_some(source + j, count), FloatTag(),
              target + j);
  }
}
HWY_INLINE HalfVec load_halves(const Bf16* source, std::int64_t count) {
  if (source == nullptr) {
    return hn::Zero(HalfTag());
  }
  return count >= kLanes ? hn::LoadU(HalfTag(), bits_of(source)) : load_some_halves(source, count);
}
inline void pack_turned_row(const Bf16* weight, const TurnedFilter& filter, std::int64_t row,
                            std::int64_t column, std::int64_t width, float* target) {
  const Bf16* first = filter.row(weight, 2 * row);
  const Bf16* second = filter.row(weight, 2 * row + 1);
  for (std::int64_t j = column; j < column + width; j += kLanes, target += kLanes) {
    const std::int64_t count = filter.problem.C - j;
    store_words(pair_up(load_halves(first + j, count),
                        load_halves(second == nullptr ? nullptr : second + j, count)),
                target);
  }
}

/// Rows [first, last) of words of B[(r,s,k)][c], the turned filter.
template <class T>
void pack_turned_strip(const T* weight, const TurnedFilter& filter, const DotBlocking& blocking,
                       std::int64_t first, std::int64_t last, float* packed) {
  for (std::int64_t column = 0; column < filter.problem.C; column += kPanel) {
    const std::int64_t width = panel_vectors(filter.problem.C - column) * kLanes;
    float* target = packed + column * blocking.words + first * width;
    for (std::int64_t row = first; row < last; ++row, target += width) {
      pack_turned_row(weight, filter, row, column, width, target);
    }
  }
}

template <class T>
void pack_forward_weights(ThreadPool& pool, const T* weight, const DotBlocking& blocking,
                          float* packed) {
  pool.parallel_for(ceil_div(blocking.words, kPackStrip), [&](std::int64_t strip) HWY_ATTR {
    const std::int64_t first = strip * kPackStrip;
    pack_forward_strip(weight, blocking, first, std::min(first + kPackStrip, blocking.words),
                       packed);
  });
}

template <class T>
void pack_turned_weights(ThreadPool& pool, const T* weight, const ConvProblem& problem,
                         const StridePhase& phase, const DotBlocking& blocking, float* packed) {
  const TurnedFilter filter{problem, phase};
  pool.parallel_for(ceil_div(blocking.words, kPackStrip), [&](std::int64_t strip) HWY_ATTR {
    const std::int64_t first = strip * kPackStrip;
    pack_turned_strip(weight, filter, blocking, first, std::min(first + kPackStrip, blocking.words),
                      packed);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
