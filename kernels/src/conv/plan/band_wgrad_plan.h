// SPDX-License-Identifier: Apache-2.0
// How the weight gradient of a 1x1 or 3x3 convolution of stride 1 is cut into blocks: tiles of
// filters and channels, and for each tile ranges of consecutive steps through the pixels. A
// function of the problem alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "accrete/kernels/problem.h"
#include "conv/plan/backward_roles.h"

namespace accrete::kernels::cuda {

/// 1x1: pixels of a step, results of a block, and the fewest steps of a range: below about so many
/// the sum of the ranges takes longer than the ranges.
constexpr int kWgradPixels = 32;
constexpr int kWgrad1x1Filters = 128, kWgrad1x1FewFilters = 64, kWgrad1x1Channels = 128;
constexpr int kWgrad1x1LeastSteps = 16;
/// 3x3: slots of a band; a block has all nine taps.
constexpr int kWgradBand = 64;
constexpr int kWgrad3x3Filters = 32, kWgrad3x3FewFilters = 16, kWgrad3x3Channels = 64;
constexpr int kWgrad3x3LeastSteps = 8;
/// Threads of a block.
constexpr int kWgradThreads = 128;

struct BandWgradPlan {
  std::int64_t filters, channels;  ///< of a tile
  std::int64_t filter_tiles, channel_tiles;
  std::int64_t tile_elements;
  std::int64_t steps, ranges;  ///< ranges are of equal length, but for one step
  std::int64_t group;          ///< ranges that are added up before the groups are

  /// Side 1 or 3; about so many blocks.
  BandWgradPlan(const ConvProblem& p, int side, std::int64_t wanted = kResidentBlocks)
      : filters(side == 1 ? (p.K > kWgrad1x1FewFilters ? kWgrad1x1Filters : kWgrad1x1FewFilters)
                          : (p.K > kWgrad3x3FewFilters ? kWgrad3x3Filters : kWgrad3x3FewFilters)),
        channels(side == 1 ? kWgrad1x1Channels : kWgrad3x3Channels),
        filter_tiles(divided(p.K, filters)),
        channel_tiles(divided(p.C, channels)),
        tile_elements(filters * channels * side * side),
        // Slots (band/slots.cuh) from the first pixel to the last.
        steps(side == 1 ? divided(p.N * p.H * p.W, kWgradPixels)
                        : divided(p.N * (p.H + 1) * (p.W + 1) - (p.W + 2), kWgradBand)) {
    const std::int64_t least = side == 1 ? kWgrad1x1LeastSteps : kWgrad3x3LeastSteps;
    ranges = std::max<std::int64_t>(1, std::min(wanted / tiles(), steps / least));
    group = 1;
    while (group * group < ranges) {
      ++group;
    }
    group = ranges <= kOneGroup ? ranges : group;
  }

  std::int64_t tiles() const { return filter_tiles * channel_tiles; }
  std::int64_t blocks() const { return tiles() * ranges; }
  std::int64_t groups() const { return divided(ranges, group); }
  /// One per group and one for the groups, for each tile.
  std::int64_t tickets() const { return ranges > 1 ? tiles() * (groups() + 1) : 0; }

  std::size_t partial_bytes() const {
    return ranges > 1 ? static_cast<std::size_t>(blocks() * tile_elements) * sizeof(float) : 0;
  }
  std::size_t bytes() const {
    return partial_bytes() + static_cast<std::size_t>(tickets()) * sizeof(std::uint32_t);
  }

 private:
  static constexpr std::int64_t kOneGroup = 6;
  static std::int64_t divided(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
};

}  // namespace accrete::kernels::cuda
