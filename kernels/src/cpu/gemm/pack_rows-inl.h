// SPDX-License-Identifier: Apache-2.0
// Packing of activations: gathers pieces of the im2col matrix into contiguous rows.
//
// Rows are written left to right in whole vectors, so up to kMaxLanes - 1 floats behind the end of
// a row are overwritten: packed rows have that much slack.
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

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Calls body(rows) with what packs the rows of the matrix: a LineRing in `ring` or DirectRows,
/// which are as good where there is nothing to transform and taps are neighbours in memory.
template <class Transform, class Body>
HWY_INLINE void with_rows(const Im2col& matrix, const Transform& transform,
                          const LineRingSize& size, float* ring, const Body& body) {
  const bool contiguous = !Transform::kPerChannel && matrix.pitch == matrix.channels;
  if (size.lines > 0 && !contiguous) {
    LineRing<Transform> rows(matrix, transform, size, ring);
    body(rows);
  } else {
    DirectRows<Transform> rows(matrix, transform);
    body(rows);
  }
}

/// Rows [row, row + rows) of the matrix as one tile of the dot form: chunks of kTileRows rows.
template <class Rows>
void pack_dot_tile(const Im2col& matrix, Rows& source, std::int64_t row, std::int64_t rows,
                   float* target) {
  Window windows[kTileRows];
  WindowCursor cursor(matrix, row);
  for (std::int64_t i = 0; i < rows; ++i, cursor.advance()) {
    windows[i] = cursor.window();
    source.prepare(windows[i]);
  }
  for (std::int64_t first = 0; first < matrix.columns(); first += kChunk) {
    const ColumnRange range(matrix, first, std::min(first + kChunk, matrix.columns()));
    for (std::int64_t i = 0; i < rows; ++i) {
      source.pack(windows[i], range, target + i * kChunkPitch);
    }
    target += kTileRows * kChunkPitch;
  }
}

/// Rows [row, last) of the matrix as consecutive tiles of the dot form.
template <class Rows>
void pack_dot_rows(const Im2col& matrix, Rows& source, std::int64_t row, std::int64_t last,
                   float* target) {
  const std::int64_t tile_floats = ceil_div(matrix.columns(), kChunk) * kTileRows * kChunkPitch;
  for (; row < last; row += kTileRows, target += tile_floats) {
    pack_dot_tile(matrix, source, row, std::min(kTileRows, last - row), target);
  }
}

/// Columns `range` of rows [row, last) of the matrix, row-major at `target_pitch`.
template <class Rows>
void pack_outer_block(const Im2col& matrix, Rows& source, std::int64_t row, std::int64_t last,
                      const ColumnRange& range, float* target, std::int64_t target_pitch) {
  WindowCursor cursor(matrix, row);
  for (; row < last; ++row, cursor.advance(), target += target_pitch) {
    const Window window = cursor.window();
    source.prepare(window);
    source.pack(window, range, target);
  }
}

/// Rows [row, last) of a plain matrix as panels: [panel][row][vectors of the panel].
template <class Transform>
void pack_panels(const Im2col& matrix, const Transform& transform, std::int64_t row,
                 std::int64_t last, float* target) {
  const FloatTag d;
  for (std::int64_t column = 0; column < matrix.channels; column += kPanel) {
    const std::int64_t width = panel_vectors(matrix.channels - column) * kLanes;
    const std::int64_t count = std::min(width, matrix.channels - column);
    const float* from = matrix.data + row * matrix.pitch + column;
    for (std::int64_t i = row; i < last; ++i, target += width, from += matrix.pitch) {
      const auto run = transform.bind(from, column);
      std::int64_t j = 0;
      for (; j + kLanes <= count; j += kLanes) {
        hn::Store(run.load(j), d, target + j);
      }
      if (j < count) {
        hn::Store(run.load_some(j, count - j), d, target + j);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
