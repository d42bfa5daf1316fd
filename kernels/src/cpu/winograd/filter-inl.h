// SPDX-License-Identifier: Apache-2.0
// The transformed filter: for each frequency the right operand of the dot form, panels
// [reduction][panel width], in full vectors, zero behind the last column.
#if defined(ACCRETE_CPU_WINOGRAD_FILTER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_WINOGRAD_FILTER_INL_H_
#undef ACCRETE_CPU_WINOGRAD_FILTER_INL_H_
#else
#define ACCRETE_CPU_WINOGRAD_FILTER_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "accrete/kernels/problem.h"
#include "accrete/kernels/thread_pool.h"
#include "cpu/gemm/pack_weights-inl.h"
#include "cpu/winograd/blocking.h"
#include "cpu/winograd/transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// The transform of `count` channels of one filter: taps at `weight`, `tap_pitch` elements apart.
template <class T>
HWY_INLINE Square<4> transformed_filter(const T* weight, std::int64_t tap_pitch,
                                        std::int64_t count) {
  return transformed<OfFilter>(load_square<3>([&](std::size_t r, std::size_t s) HWY_ATTR {
    const T* tap = weight + static_cast<std::int64_t>(3 * r + s) * tap_pitch;
    return count >= kLanes ? load_lanes(tap) : load_some(tap, count);
  }));
}

/// One panel of B[c][k] from weight[k][r][s][c], for `count` channels from c on.
template <class T>
void pack_winograd_panel(const T* weight, const WinogradDotBlocking& blocking, std::int64_t c,
                         std::int64_t count, std::int64_t column, float* packed) {
  const std::int64_t width = panel_vectors(blocking.columns - column) * kLanes;
  const std::int64_t outputs = std::min(width, blocking.columns - column);
  alignas(64) float filters[kFrequencies][kPanel * kLanes];
  for (std::int64_t k = 0; k < outputs; ++k) {
    const T* filter = weight + (column + k) * 9 * blocking.reduction + c;
    store_square(transformed_filter(filter, blocking.reduction, count), filters[0] + k * kLanes,
                 kPanel * kLanes);
  }
  float* target = packed + column * blocking.reduction + c * width;
  for (const float* frequency : filters) {
    transpose(frequency, kLanes, outputs, count, target, width);
    zero_behind(target, count, width, outputs);
    target += blocking.frequency_floats;
  }
}

/// Row k of B[k][c] from weight[k][2-r][2-s][c].
template <class T>
void pack_winograd_turned_row(const T* weight, const WinogradDotBlocking& blocking, std::int64_t k,
                              float* packed) {
  const std::int64_t channels = blocking.columns;
  const T* last_tap = weight + (9 * k + 8) * channels;
  for (std::int64_t column = 0; column < channels; column += kPanel) {
    const std::int64_t width = panel_vectors(channels - column) * kLanes;
    float* target = packed + column * blocking.reduction + k * width;
    for (std::int64_t j = 0; j < width; j += kLanes) {
      const std::int64_t c = column + j;
      store_square(transformed_filter(last_tap + c, -channels, channels - c), target + j,
                   blocking.frequency_floats);
    }
  }
}

/// The operand of a forward convolution.
template <class T>
void pack_winograd_weights(ThreadPool& pool, const T* weight, const WinogradDotBlocking& blocking,
                           float* packed) {
  pool.parallel_for(ceil_div(blocking.reduction, kLanes), [&](std::int64_t strip) HWY_ATTR {
    const std::int64_t c = strip * kLanes;
    const std::int64_t count = std::min(kLanes, blocking.reduction - c);
    for (std::int64_t column = 0; column < blocking.columns; column += kPanel) {
      pack_winograd_panel(weight, blocking, c, count, column, packed);
    }
  });
}

/// The operand of the gradient of the data.
template <class T>
void pack_winograd_turned_weights(ThreadPool& pool, const T* weight,
                                  const WinogradDotBlocking& blocking, float* packed) {
  pool.parallel_for(blocking.reduction, [&](std::int64_t k) HWY_ATTR {
    pack_winograd_turned_row(weight, blocking, k, packed);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
