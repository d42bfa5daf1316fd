// SPDX-License-Identifier: Apache-2.0
// Winograd's minimal filtering F(2x2, 3x3): a result of 2x2 pixels from a window of 4x4 with 16
// products per channel and filter instead of 36. In one dimension, with data d, filter g, result y
//   y = A^T ((G g) * (B^T d))
//   B^T = 1  0 -1  0   G = 1    0    0    A^T = 1  1  1  0
//         0  1  1  0       1/2  1/2  1/2        0  1 -1 -1
//         0 -1  1  0       1/2 -1/2  1/2
//         0  1  0 -1       0    0    1
// and in two with each matrix applied to rows and columns (Lavin & Gray, arXiv 1509.09308, section
// 4.1). The products of one place of the transformed window, a frequency, over all channels are a
// matrix product of their own. Adding channels commutes with the last transform, so that is made
// once per result.
//
// Everything is done in float, also where tensors and weights are bfloat16. Products of transformed
// values rounded to bfloat16 would take two thirds of the time, but more than double the error of a
// result that is rounded once, and put one into gradients of weights that have none.
#pragma once

#include <algorithm>
#include <cstdint>

#include "conv/gemm/im2col.h"
#include "cpu/element.h"

namespace accrete::kernels::cpu {

constexpr std::int64_t kFrequencies = 16;

/// The tiles of 2x2 pixels that cover a result, in raster order. The last of a line or column may
/// stick out by a pixel.
struct WinogradTiles {
  std::int64_t images = 0, height = 0, width = 0;  ///< of the result

  std::int64_t lines() const { return divide_up(height, 2); }
  std::int64_t per_line() const { return divide_up(width, 2); }
  std::int64_t count() const { return images * lines() * per_line(); }
  /// Pixels of the tiles before this one.
  std::int64_t pixels_before(std::int64_t tile) const {
    const std::int64_t line = tile / per_line();
    const std::int64_t p = line % lines() * 2;
    const std::int64_t left = std::min(tile % per_line() * 2, width);
    return (line / lines() * height + p) * width + std::min<std::int64_t>(2, height - p) * left;
  }
};

inline WinogradTiles winograd_tiles(const Im2col& matrix) {
  return {matrix.images, matrix.out_h, matrix.out_w};
}

/// Whether the product of this matrix is cheaper that way: filters of 3x3 at stride 1, enough
/// channels on both sides to pay for the transforms, and a result that the tiles cover without too
/// much waste.
inline bool winograd_pays(const Im2col& matrix, std::int64_t columns) {
  constexpr std::int64_t kLeastChannels = 8;
  const bool fits =
      matrix.filter_h == 3 && matrix.filter_w == 3 && matrix.stride_h == 1 && matrix.stride_w == 1;
  const WinogradTiles tiles = winograd_tiles(matrix);
  const std::int64_t products = kFrequencies * tiles.lines() * tiles.per_line();
  return fits && matrix.channels >= kLeastChannels && columns >= kLeastChannels &&
         products * 4 <= matrix.out_h * matrix.out_w * 9 * 3;
}

/// The windows of 4x4 that the tiles of a product of `matrix` read, one row per tile.
inline Im2col input_tiles(const Im2col& matrix) {
  const WinogradTiles tiles = winograd_tiles(matrix);
  Im2col windows = matrix;
  windows.filter_h = windows.filter_w = 4;
  windows.stride_h = windows.stride_w = 2;
  windows.out_h = tiles.lines();
  windows.out_w = tiles.per_line();
  return windows;
}

/// The tiles of a tensor with the result's shape, given as a plain matrix, one row per tile.
inline Im2col result_tiles(const Im2col& rows) {
  Im2col tiles = input_tiles(rows);
  tiles.filter_h = tiles.filter_w = 2;
  return tiles;
}

}  // namespace accrete::kernels::cpu
