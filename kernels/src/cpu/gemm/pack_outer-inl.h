// SPDX-License-Identifier: Apache-2.0
// Packing for the outer form, whose reduction runs over rows: a row of floats is a row of words,
// two rows of bfloat16 become one row of pairs.
#if defined(ACCRETE_CPU_GEMM_PACK_OUTER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_PACK_OUTER_INL_H_
#undef ACCRETE_CPU_GEMM_PACK_OUTER_INL_H_
#else
#define ACCRETE_CPU_GEMM_PACK_OUTER_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "cpu/gemm/pack_rows-inl.h"
#include "cpu/gemm/transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Two rows, kMaxLanes * 2 elements behind `count` readable, as `count` pairs. They are written in
/// whole vectors.
HWY_INLINE void interleave(const Bf16* first, const Bf16* second, std::int64_t count,
                           float* target) {
  const HalfTag d;
  for (std::int64_t i = 0; i < count; i += kLanes) {
    store_words(pair_up(hn::LoadU(d, raw(first + i)), hn::LoadU(d, raw(second + i))), target + i);
  }
}

/// Columns `range` of rows [row, last) of the matrix, one row of words after the other at
/// `target_pitch` floats. `pair` is scratch of one such row.
template <class Rows>
void pack_outer_block(const Im2col& matrix, Rows& source, std::int64_t row, std::int64_t last,
                      const ColumnRange& range, float* target, std::int64_t target_pitch,
                      float* /*pair*/) {
  WindowCursor cursor(matrix, row);
  for (; row < last; ++row, cursor.advance(), target += target_pitch) {
    const Window window = cursor.window();
    source.prepare(window);
    source.pack(window, range, target);
  }
}
template <class Transform, template <class, class> class Rows>
void pack_outer_block(const Im2col& matrix, Rows<Bf16, Transform>& source, std::int64_t row,
                      std::int64_t last, const ColumnRange& range, float* target,
                      std::int64_t target_pitch, float* pair) {
  Bf16* const first = reinterpret_cast<Bf16*>(pair);
  Bf16* const second = first + target_pitch;
  WindowCursor cursor(matrix, row);
  const auto pack_next = [&](Bf16* to) {
    const Window window = cursor.window();
    source.prepare(window);
    source.pack(window, range, to);
    cursor.advance();
  };
  for (; row < last; row += 2, target += target_pitch) {
    pack_next(first);
    if (row + 1 < last) {
      pack_next(second);
    } else {
      zero_run(second, range.count());
    }
    interleave(first, second, range.count(), target);
  }
}

/// Lanes [j, j + kLanes) of a run of `count` channels, zero behind them.
template <class Run>
HWY_INLINE FloatVec load_run(const Run& run, std::int64_t j, std::int64_t count) {
  return j + kLanes <= count ? run.load(j) : run.load_some(j, count - j);
}

/// Rows [row, last) of one panel of a plain matrix, `count` channels from `column` on in vectors of
/// `width` lanes. Returns the end of what was written.
template <class Transform>
float* pack_panel(const float* from, std::int64_t pitch, const Transform& transform,
                  std::int64_t rows, std::int64_t column, std::int64_t count, std::int64_t width,
                  float* target) {
  for (std::int64_t i = 0; i < rows; ++i, target += width, from += pitch) {
    const auto run = transform.bind(from, column);
    for (std::int64_t j = 0; j < count; j += kLanes) {
      hn::Store(load_run(run, j, count), FloatTag(), target + j);
    }
  }
  return target;
}
template <class Transform>
float* pack_panel(const Bf16* from, std::int64_t pitch, const Transform& transform,
                  std::int64_t rows, std::int64_t column, std::int64_t count, std::int64_t width,
                  float* target) {
  const FloatTag d;
  for (std::int64_t i = 0; i < rows; i += 2, target += width, from += 2 * pitch) {
    const bool last = i + 1 == rows;
    const auto first = transform.bind(from, column);
    const auto second = transform.bind(last ? from : from + pitch, column);
    for (std::int64_t j = 0; j < count; j += kLanes) {
      const HalfVec lower = narrow(d, load_run(first, j, count));
      const HalfVec upper = narrow(d, load_run(second, j, count));
      store_words(pair_up(lower, last ? hn::Zero(HalfTag()) : upper), target + j);
    }
  }
  return target;
}

/// Rows [row, last) of a plain matrix as panels: [panel][row of words][vectors of the panel].
template <class T, class Transform>
void pack_panels(const Im2col& matrix, const Transform& transform, std::int64_t row,
                 std::int64_t last, float* target) {
  for (std::int64_t column = 0; column < matrix.channels; column += kPanel) {
    const std::int64_t width = panel_vectors(matrix.channels - column) * kLanes;
    const std::int64_t count = std::min(width, matrix.channels - column);
    const T* from = static_cast<const T*>(matrix.data) + row * matrix.pitch + column;
    target = pack_panel(from, matrix.pitch, transform, last - row, column, count, width, target);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
