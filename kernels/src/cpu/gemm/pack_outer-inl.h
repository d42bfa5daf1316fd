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

/// Lanes [j, j + kLanes) of a run of `count` channels, zero behind them.
template <class Run>
HWY_INLINE FloatVec load_run(const Run& run, std::int64_t j, std::int64_t count) {
  return j + kLanes <= count ? run.load(j) : run.load_some(j, count - j);
}

/// `count` channels from `column` on of `rows` rows of a plain matrix, one row of words after the
/// other at `target_pitch`, in whole vectors. Returns the end of what was written.
template <class Transform>
float* pack_plain(const float* from, std::int64_t pitch, const Transform& transform,
                  std::int64_t rows, std::int64_t column, std::int64_t count, float* target,
                  std::int64_t target_pitch) {
  for (std::int64_t i = 0; i < rows; ++i, target += target_pitch, from += pitch) {
    const auto run = transform.bind(from, column);
    for (std::int64_t j = 0; j < count; j += kLanes) {
      hn::Store(load_run(run, j, count), FloatTag(), target + j);
    }
  }
  return target;
}
template <class Transform>
float* pack_plain(const Bf16* from, std::int64_t pitch, const Transform& transform,
                  std::int64_t rows, std::int64_t column, std::int64_t count, float* target,
                  std::int64_t target_pitch) {
  for (std::int64_t i = 0; i < rows; i += 2, target += target_pitch, from += 2 * pitch) {
    const bool last = i + 1 == rows;
    const auto first = transform.bind(from, column);
    const auto second = transform.bind(last ? from : from + pitch, column);
    for (std::int64_t j = 0; j < count; j += kLanes) {
      const FloatVec upper = last ? hn::Zero(FloatTag()) : load_run(second, j, count);
      store_words(narrow_pairs(load_run(first, j, count), upper), target + j);
    }
  }
  return target;
}

/// Packs columns of the matrix row by row.
template <class T, class Rows>
class RowPacker {
 public:
  RowPacker(const Im2col& matrix, Rows& source, std::int64_t row, const ColumnRange& range)
      : source_(source), cursor_(matrix, row), range_(range) {}

  void pack_next(T* target) {
    const Window window = cursor_.window();
    source_.prepare(window);
    source_.pack(window, range_, target);
    cursor_.advance();
  }

 private:
  Rows& source_;
  WindowCursor cursor_;
  const ColumnRange& range_;
};

/// pack_outer_block() of a matrix of windows.
template <class T, class Rows>
void pack_windows(const Im2col& matrix, Rows& source, std::int64_t row, std::int64_t last,
                  const ColumnRange& range, float* target, std::int64_t target_pitch, float* pair) {
  RowPacker<T, Rows> packer(matrix, source, row, range);
  for (; row < last; row += kWordElements<T>, target += target_pitch) {
    if constexpr (kWordElements<T> == 1) {
      packer.pack_next(target);
    } else {
      T* const first = reinterpret_cast<T*>(pair);
      T* const second = first + target_pitch;
      packer.pack_next(first);
      if (row + 1 < last) {
        packer.pack_next(second);
      } else {
        zero_run(second, range.count());
      }
      interleave(first, second, range.count(), target);
    }
  }
}

/// Columns `range` of rows [row, last) of the matrix, one row of words after the other at
/// `target_pitch` floats. `pair` is scratch of one such row and kMaxLanes more.
template <class T, class Transform, class Rows>
void pack_outer_block(const Im2col& matrix, const Transform& transform, Rows& source,
                      std::int64_t row, std::int64_t last, const ColumnRange& range, float* target,
                      std::int64_t target_pitch, float* pair) {
  if (matrix.plain()) {
    const T* from = static_cast<const T*>(matrix.data) + row * matrix.pitch + range.c;
    pack_plain(from, matrix.pitch, transform, last - row, range.c, range.count(), target,
               target_pitch);
  } else {
    pack_windows<T>(matrix, source, row, last, range, target, target_pitch, pair);
  }
}

/// Rows [row, last) of a plain matrix as panels: [panel][row of words][vectors of the panel].
template <class T, class Transform>
void pack_panels(const Im2col& matrix, const Transform& transform, std::int64_t row,
                 std::int64_t last, float* target) {
  for (std::int64_t column = 0; column < matrix.channels; column += kPanel) {
    const std::int64_t width = panel_vectors(matrix.channels - column) * kLanes;
    const std::int64_t count = std::min(width, matrix.channels - column);
    const T* from = static_cast<const T*>(matrix.data) + row * matrix.pitch + column;
    target = pack_plain(from, matrix.pitch, transform, last - row, column, count, target, width);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
