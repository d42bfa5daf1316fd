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

#include "cpu/gemm/blocking.h"
#include "cpu/gemm/im2col.h"
#include "cpu/gemm/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

HWY_INLINE void zero_run(float* target, std::int64_t count) {
  const FloatTag d;
  for (std::int64_t i = 0; i < count; i += kLanes) {
    hn::StoreU(hn::Zero(d), d, target + i);
  }
}

/// `count` neighbouring channels from `channel` on.
template <class Transform>
HWY_INLINE void copy_run(const Transform& transform, const float* source, std::int64_t channel,
                         std::int64_t count, float* target) {
  const FloatTag d;
  const auto run = transform.bind(source, channel);
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    hn::StoreU(run.load(i), d, target + i);
  }
  if (i < count) {
    hn::StoreU(run.load_some(i, count - i), d, target + i);
  }
}

/// Columns of one filter row of one window, for a source without dilation.
template <class Transform>
class FilterRowPacker {
 public:
  FilterRowPacker(const Im2col& matrix, const Transform& transform, const Window& window)
      : matrix_(matrix),
        transform_(transform),
        window_(window),
        first_tap_(std::clamp<std::int64_t>(-window.w, 0, matrix.filter_w)),
        last_tap_(std::clamp<std::int64_t>(matrix.width - window.w, first_tap_, matrix.filter_w)) {}

  /// Columns [from, to) of filter row r; `from` is channel c of tap s.
  HWY_INLINE void pack(std::int64_t r, std::int64_t s, std::int64_t c, std::int64_t from,
                       std::int64_t to, float* target) const {
    const std::int64_t h = window_.h + r;
    if (h < 0 || h >= matrix_.height) {
      zero_run(target, to - from);
      return;
    }
    const std::int64_t inside = first_tap_ * matrix_.channels;
    const std::int64_t outside = last_tap_ * matrix_.channels;
    if (from < inside) {
      zero_run(target, std::min(to, inside) - from);
      target += inside - from;
      from = inside;
      s = first_tap_;
      c = 0;
    }
    const std::int64_t stop = std::min(to, outside);
    if (from < stop) {
      copy_taps((h * matrix_.width + window_.w + s) * matrix_.pitch, c, stop - from, target);
      target += stop - from;
      from = stop;
    }
    if (from < to) {
      zero_run(target, to - from);
    }
  }

 private:
  /// `count` columns from channel c of the pixel at `offset` on.
  HWY_INLINE void copy_taps(std::int64_t offset, std::int64_t c, std::int64_t count,
                            float* target) const {
    if (!Transform::kPerChannel && matrix_.pitch == matrix_.channels) {
      copy_run(transform_, window_.image + offset + c, c, count, target);
      return;
    }
    while (count > 0) {
      const std::int64_t run = std::min(count, matrix_.channels - c);
      copy_run(transform_, window_.image + offset + c, c, run, target);
      target += run;
      count -= run;
      offset += matrix_.pitch;
      c = 0;
    }
  }

  const Im2col& matrix_;
  const Transform& transform_;
  const Window& window_;
  std::int64_t first_tap_, last_tap_;
};

/// One row of the matrix, tap by tap, for a source spread out by a dilation.
template <class Transform>
void pack_dilated_row(const Im2col& matrix, const Transform& transform, const Window& window,
                      const ColumnRange& range, float* target) {
  std::int64_t r = range.r;
  std::int64_t s = range.s;
  std::int64_t c = range.c;
  for (std::int64_t rest = range.count(); rest > 0;) {
    const std::int64_t run = std::min(rest, matrix.channels - c);
    const std::int64_t h = window.h + r;
    const std::int64_t w = window.w + s;
    const bool on_pixel = h >= 0 && w >= 0 && h % matrix.dilation_h == 0 &&
                          w % matrix.dilation_w == 0 && h / matrix.dilation_h < matrix.height &&
                          w / matrix.dilation_w < matrix.width;
    if (on_pixel) {
      const std::int64_t pixel = h / matrix.dilation_h * matrix.width + w / matrix.dilation_w;
      copy_run(transform, window.image + pixel * matrix.pitch + c, c, run, target);
    } else {
      zero_run(target, run);
    }
    target += run;
    rest -= run;
    c = 0;
    if (++s == matrix.filter_w) {
      s = 0;
      ++r;
    }
  }
}

/// Columns `range` of the row whose window is given.
template <class Transform>
HWY_INLINE void pack_row(const Im2col& matrix, const Transform& transform, const Window& window,
                         const ColumnRange& range, float* target) {
  if (matrix.dilation_h != 1 || matrix.dilation_w != 1) {
    pack_dilated_row(matrix, transform, window, range, target);
    return;
  }
  const FilterRowPacker<Transform> packer(matrix, transform, window);
  const std::int64_t width = matrix.filter_row();
  std::int64_t r = range.r;
  std::int64_t s = range.s;
  std::int64_t c = range.c;
  std::int64_t from = range.first - r * width;
  for (std::int64_t rest = range.count(); rest > 0;) {
    const std::int64_t run = std::min(rest, width - from);
    packer.pack(r, s, c, from, from + run, target);
    target += run;
    rest -= run;
    ++r;
    s = c = from = 0;
  }
}

/// Rows [row, row + rows) of the matrix as one tile of the dot form: chunks of kTileRows rows.
template <class Transform>
void pack_dot_tile(const Im2col& matrix, const Transform& transform, std::int64_t row,
                   std::int64_t rows, float* target) {
  Window windows[kTileRows];
  WindowCursor cursor(matrix, row);
  for (std::int64_t i = 0; i < rows; ++i, cursor.advance()) {
    windows[i] = cursor.window();
  }
  for (std::int64_t first = 0; first < matrix.columns(); first += kChunk) {
    const ColumnRange range(matrix, first, std::min(first + kChunk, matrix.columns()));
    for (std::int64_t i = 0; i < rows; ++i) {
      pack_row(matrix, transform, windows[i], range, target + i * kChunkPitch);
    }
    target += kTileRows * kChunkPitch;
  }
}

/// Rows [row, last) of the matrix as consecutive tiles of the dot form.
template <class Transform>
void pack_dot_rows(const Im2col& matrix, const Transform& transform, std::int64_t row,
                   std::int64_t last, float* target) {
  const std::int64_t tile_floats = ceil_div(matrix.columns(), kChunk) * kTileRows * kChunkPitch;
  for (; row < last; row += kTileRows, target += tile_floats) {
    pack_dot_tile(matrix, transform, row, std::min(kTileRows, last - row), target);
  }
}

/// Columns `range` of rows [row, last) of the matrix, row-major at `target_pitch`.
template <class Transform>
void pack_outer_block(const Im2col& matrix, const Transform& transform, std::int64_t row,
                      std::int64_t last, const ColumnRange& range, float* target,
                      std::int64_t target_pitch) {
  WindowCursor cursor(matrix, row);
  for (; row < last; ++row, cursor.advance(), target += target_pitch) {
    pack_row(matrix, transform, cursor.window(), range, target);
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
