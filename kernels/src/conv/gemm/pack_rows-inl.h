// SPDX-License-Identifier: Apache-2.0
// Packing of activations into contiguous rows.
#if defined(ACCRETE_CPU_GEMM_PACK_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_PACK_ROWS_INL_H_
#undef ACCRETE_CPU_GEMM_PACK_ROWS_INL_H_
#else
#define ACCRETE_CPU_GEMM_PACK_ROWS_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "conv/gemm/im2col.h"
#include "conv/gemm/line_ring-inl.h"
#include "conv/gemm/tile-inl.h"
#include "conv/gemm/words-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

// Packing of a matrix straight from its source.

template <class T, class Transform>
class DirectRows {
 public:
  DirectRows(const Im2col& matrix, const Transform& transform)
      : matrix_(matrix), transform_(transform) {}

  HWY_INLINE void prepare(const Window& /*window*/) const {}

  /// Columns `range` of the row whose window is given.
  HWY_INLINE void pack(const Window& window, const ColumnRange& range, T* target) const {
    const FilterTaps taps(matrix_, window);
    const std::int64_t width = matrix_.filter_row();
    std::int64_t r = range.r;
    std::int64_t s = range.s;
    std::int64_t c = range.c;
    std::int64_t from = range.first - r * width;
    for (std::int64_t rest = range.count(); rest > 0;) {
      const std::int64_t run = std::min(rest, width - from);
      pack_filter_row(window, taps, {r, s, c, from, from + run}, target);
      target += run;
      rest -= run;
      ++r;
      s = c = from = 0;
    }
  }

 private:
  static const T* image(const Window& window) { return reinterpret_cast<const T*>(window.image); }

  /// Taps [first, last) of a filter row are inside the image.
  struct FilterTaps {
    std::int64_t first, last;
    FilterTaps(const Im2col& matrix, const Window& window)
        : first(std::clamp<std::int64_t>(-window.w, 0, matrix.filter_w)),
          last(std::clamp<std::int64_t>(matrix.width - window.w, first, matrix.filter_w)) {}
  };
  /// Columns [from, to) of filter row r; `from` is channel c of tap s.
  struct FilterColumns {
    std::int64_t r, s, c, from, to;
  };

  HWY_INLINE void pack_filter_row(const Window& window, const FilterTaps& taps,
                                  FilterColumns columns, T* target) const {
    const std::int64_t h = window.h + columns.r;
    if (h < 0 || h >= matrix_.height) {
      zero_run(target, columns.to - columns.from);
      return;
    }
    const std::int64_t inside = taps.first * matrix_.channels;
    const std::int64_t outside = taps.last * matrix_.channels;
    if (columns.from < inside) {
      zero_run(target, std::min(columns.to, inside) - columns.from);
      target += inside - columns.from;
      columns.from = inside;
      columns.s = taps.first;
      columns.c = 0;
    }
    const std::int64_t stop = std::min(columns.to, outside);
    if (columns.from < stop) {
      const std::int64_t pixel = h * matrix_.width + window.w + columns.s;
      copy_taps(image(window) + pixel * matrix_.pitch, columns.c, stop - columns.from, target);
      target += stop - columns.from;
      columns.from = stop;
    }
    if (columns.from < columns.to) {
      zero_run(target, columns.to - columns.from);
    }
  }

  /// `count` columns from channel c of a pixel on.
  HWY_INLINE void copy_taps(const T* pixel, std::int64_t c, std::int64_t count, T* target) const {
    if (!Transform::kPerChannel && matrix_.pitch == matrix_.channels) {
      copy_run(transform_, pixel + c, c, count, target);
      return;
    }
    while (count > 0) {
      const std::int64_t run = std::min(count, matrix_.channels - c);
      copy_run(transform_, pixel + c, c, run, target);
      target += run;
      count -= run;
      pixel += matrix_.pitch;
      c = 0;
    }
  }

  const Im2col& matrix_;
  const Transform& transform_;
};

// Packing of activations for the dot form: gathers pieces of the im2col matrix into contiguous
// rows.
//
// Rows are written left to right in whole vectors, so up to a vector less one element behind the
// end of a row is overwritten: packed rows have that much slack.

/// Calls body(rows) with what packs the rows of the matrix: a LineRing in `ring` or DirectRows,
/// which are as good where there is nothing to transform and taps are neighbours in memory.
template <class T, class Transform, class Body>
HWY_INLINE void with_rows(const Im2col& matrix, const Transform& transform,
                          const LineRingSize& size, float* ring, const Body& body) {
  const bool contiguous = !Transform::kPerChannel && matrix.pitch == matrix.channels;
  if (size.lines > 0 && !contiguous) {
    LineRing<T, Transform> rows(matrix, transform, size, reinterpret_cast<T*>(ring));
    body(rows);
  } else {
    DirectRows<T, Transform> rows(matrix, transform);
    body(rows);
  }
}

/// Rows [row, row + rows) of the matrix as one tile of the dot form: chunks of kTileRows rows.
template <class T, class Rows>
void pack_dot_tile(const Im2col& matrix, Rows& source, std::int64_t row, std::int64_t rows,
                   T* target) {
  constexpr std::int64_t kPitch = kChunkPitch * kWordElements<T>;
  constexpr std::int64_t kColumns = kChunk * kWordElements<T>;
  Window windows[kTileRows];
  WindowCursor cursor(matrix, row);
  for (std::int64_t i = 0; i < rows; ++i, cursor.advance()) {
    windows[i] = cursor.window();
    source.prepare(windows[i]);
  }
  for (std::int64_t first = 0; first < matrix.columns(); first += kColumns) {
    const ColumnRange range(matrix, first, std::min(first + kColumns, matrix.columns()));
    for (std::int64_t i = 0; i < rows; ++i) {
      T* const packed = target + i * kPitch;
      source.pack(windows[i], range, packed);
      if (range.count() % kWordElements<T> != 0) {
        packed[range.count()] = {};  // the last word's second half meets a zero weight
      }
    }
    target += kTileRows * kPitch;
  }
}

/// Rows [row, last) of the matrix as consecutive tiles of the dot form.
template <class T, class Rows>
void pack_dot_rows(const Im2col& matrix, Rows& source, std::int64_t row, std::int64_t last,
                   float* target) {
  const std::int64_t words = divide_up(matrix.columns(), kWordElements<T>);
  const std::int64_t tile_floats = divide_up(words, kChunk) * kTileRows * kChunkPitch;
  for (; row < last; row += kTileRows, target += tile_floats) {
    pack_dot_tile(matrix, source, row, std::min(kTileRows, last - row),
                  reinterpret_cast<T*>(target));
  }
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
