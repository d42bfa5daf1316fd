// SPDX-License-Identifier: Apache-2.0
// How much a spec may ask for, so that every spec that is accepted can be planned in seconds.
#pragma once

#include <cstddef>
#include <cstdint>

namespace accrete::models {

constexpr std::int64_t kLargestImage = 16384;  ///< pixels of a side
/// Each block but the first halves the image: the largest has one pixel in the last of so many.
constexpr std::size_t kMostBlocks = 15;
/// Each stage but the first doubles the channels.
constexpr std::size_t kMostStages = 8;
/// Of all blocks or stages; ResNet-1202 is the deepest net published with either family.
constexpr std::int64_t kMostLayers = 1200;
constexpr std::int64_t kMostChannels = 4096;  ///< of images
constexpr std::size_t kMostMilestones = 1000;
constexpr std::size_t kMostNameBytes = 100;

}  // namespace accrete::models
