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

/// Tiles of the two matrices of results.
struct BackwardTiles {
  std::uint32_t pixels, channels;          ///< of the data's gradient
  std::uint32_t columns, filters, ranges;  ///< of the weights', and the ranges of pixels
};

struct BackwardRoles {
  BackwardTiles tiles;
  std::uint32_t ranges_per_span;  ///< walked one after the other
  std::uint32_t spans;            ///< walked at the same time
  std::uint32_t tiles_per_span;   ///< of pixels
  std::uint32_t walking;          ///< blocks
  std::uint32_t alternating;      ///< blocks of each role, until one is used up
  std::uint32_t blocks;           ///< some have no tile where spans are not of equal length

  explicit BackwardRoles(const BackwardTiles& t) : tiles(t) {
    const auto divided = [](std::int64_t a, std::int64_t b) {
      return static_cast<std::uint32_t>((a + b - 1) / b);
    };
    const std::int64_t weight_tiles = std::int64_t{t.columns} * t.filters;
    ranges_per_span = std::min(t.ranges, divided(t.ranges * weight_tiles, kWalkingBlocks));
    spans = divided(t.ranges, ranges_per_span);
    tiles_per_span = divided(t.pixels, spans);
    walking = t.columns * t.filters * spans;
    const std::uint32_t others = spans * tiles_per_span * t.channels;
    alternating = std::min(walking, others);
    blocks = walking + others;
  }
};

}  // namespace accrete::kernels::cuda
