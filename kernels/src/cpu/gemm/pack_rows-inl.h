// SPDX-License-Identifier: Apache-2.0
// Packing of activations for the dot form: gathers pieces of the im2col matrix into contiguous
// rows.
//
// Rows are written left to right in whole vectors, so up to a vector less one element behind the
// end of a row is overwritten: packed rows have that much slack.
#if defined(ACCRETE_CPU_GEMM_PACK_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_PACK_ROWS_INL_H_
#undef ACCRETE_CPU_GEMM_PACK_ROWS_INL_H_
#else
#define ACCRETE_CPU_GEMM_PACK_ROWS_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "cpu/gemm/direct_rows-inl.h"
#include "cpu/gemm/im2col.h"
#include "cpu/gemm/line_ring-inl.h"
#include "cpu/gemm/tile-inl.h"
#include "cpu/gemm/words-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

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
  const std::int64_t words = ceil_div(matrix.columns(), kWordElements<T>);
  const std::int64_t tile_floats = ceil_div(words, kChunk) * kTileRows * kChunkPitch;
  for (; row < last; row += kTileRows, target += tile_floats) {
    pack_dot_tile(matrix, source, row, std::min(kTileRows, last - row),
                  reinterpret_cast<T*>(target));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
