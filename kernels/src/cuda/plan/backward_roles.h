// SPDX-License-Identifier: Apache-2.0
// How the blocks of one launch share the two gradients of a convolution. Some walk through ranges
// of pixels for the weights (wgrad), the others take one tile of pixels each (dgrad). Both read the
// same gradient of y and the same x, so at any time they should be at about the same pixels:
//
//   blocks in the order in which the GPU starts them   W D W D W D ... D D D D
//   spans of pixels, each walked by one W per tile     [ span 0 )[ span 1 )[ span 2 )
//   tiles of pixels in the order of the D               0         1         2
//                                                         3         4         5   ...
//
// What a block adds up in which order does not depend on its role's place: results are those of two
// launches, bit for bit.
#pragma once

#include <algorithm>
#include <cstdint>

namespace accrete::kernels::cuda {

/// Blocks that walk: one for every multiprocessor of a large GPU, beside one that takes tiles.
constexpr std::int64_t kWalkingBlocks = 132;

struct BackwardRoles {
  std::uint32_t weight_tiles;     ///< results of a walking block
  std::uint32_t ranges;           ///< of pixels
  std::uint32_t ranges_per_span;  ///< walked one after the other
  std::uint32_t spans;            ///< walked at the same time
  std::uint32_t row_tiles, column_tiles;
  std::uint32_t row_tiles_per_span;

  BackwardRoles(std::uint32_t weight_tiles_in, std::int64_t ranges_in, std::uint32_t row_tiles_in,
                std::uint32_t column_tiles_in)
      : weight_tiles(weight_tiles_in),
        ranges(static_cast<std::uint32_t>(ranges_in)),
        row_tiles(row_tiles_in),
        column_tiles(column_tiles_in) {
    const auto divided = [](std::int64_t a, std::int64_t b) {
      return static_cast<std::uint32_t>((a + b - 1) / b);
    };
    ranges_per_span = std::min(ranges, divided(ranges_in * weight_tiles, kWalkingBlocks));
    spans = divided(ranges_in, ranges_per_span);
    row_tiles_per_span = divided(row_tiles, spans);
  }

  std::uint32_t walking_blocks() const { return weight_tiles * spans; }
  /// Some of them have nothing to do where the spans are not of equal length.
  std::uint32_t tile_blocks() const { return spans * row_tiles_per_span * column_tiles; }
};

}  // namespace accrete::kernels::cuda
