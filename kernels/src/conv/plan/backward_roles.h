// SPDX-License-Identifier: Apache-2.0
// How the blocks of one launch share the two gradients of a convolution. Some walk through a range
// of the pixels each for the weights (wgrad), the others take one tile of pixels each (dgrad). Both
// read the same gradient of y and the same x, so at any time they should be at about the same
// pixels:
//
//   blocks in the order in which the GPU starts them   W D W D W D ... D D D D
//   ranges of pixels, each walked by one W per tile    [range 0 )[range 1 )[range 2 )
//   tiles of pixels in the order of the D               0         1         2
//                                                         3         4         5   ...
//
// All W start at once and should be done a little before the D, which then have the GPU for
// themselves: a W that is left over would have it for itself.
#pragma once

#include <algorithm>
#include <cstdint>

#include "accrete/kernels/problem.h"

namespace accrete::kernels::cuda {

/// Blocks of 128 threads that a large GPU has under way: two on each of 132 multiprocessors.
constexpr std::int64_t kResidentBlocks = 264;

/// Instructions that a block issues for a pixel, from kernels/sass_budget.json: of wgrad for 32
/// filters and 128 channels (3x3) or 128 filters and 128 channels (1x1), of dgrad for as many.
struct BackwardCosts {
  double weights, data;
};
constexpr BackwardCosts kCosts1x1{52.0, 140.0};
constexpr BackwardCosts kCosts3x3{66.0, 150.0};

/// Percent of its share of the work that a role's blocks get, so that they are done first; for a
/// measurement to choose (band/tuning.cuh). Fewer of the others remain at the end the larger
/// it is, and the further those that walk run ahead of them in the tensors that both read.
#ifndef ACCRETE_BAND_HEAD_START
#define ACCRETE_BAND_HEAD_START 115
#endif

/// Blocks that walk.
inline std::int64_t walking_blocks(const ConvProblem& problem) {
  constexpr double kHeadStart = ACCRETE_BAND_HEAD_START / 100.0;
  const BackwardCosts& costs = problem.R == 1 ? kCosts1x1 : kCosts3x3;
  const double share = costs.weights / (costs.weights + costs.data);
  return static_cast<std::int64_t>(kHeadStart * share * static_cast<double>(kResidentBlocks));
}

/// Tiles of the two matrices of results.
struct BackwardTiles {
  std::uint32_t pixels, channels;  ///< of the data's gradient
  std::uint32_t weights, ranges;   ///< of the weights', and the ranges of pixels
};

struct BackwardRoles {
  BackwardTiles tiles;
  std::uint32_t tiles_per_range;  ///< of pixels
  std::uint32_t walking;          ///< blocks
  std::uint32_t alternating;      ///< blocks of each role, until one is used up
  std::uint32_t blocks;           ///< some have no tile where ranges are not of equal length

  explicit BackwardRoles(const BackwardTiles& t)
      : tiles(t),
        tiles_per_range((t.pixels + t.ranges - 1) / t.ranges),
        walking(t.weights * t.ranges),
        alternating(std::min(walking, t.ranges * tiles_per_range * t.channels)),
        blocks(walking + t.ranges * tiles_per_range * t.channels) {}
};

}  // namespace accrete::kernels::cuda
