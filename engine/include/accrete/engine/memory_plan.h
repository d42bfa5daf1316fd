// SPDX-License-Identifier: Apache-2.0
// Offsets for blocks of memory with known lifetimes: a pure function, no device needed.
#pragma once

#include <cstdint>
#include <vector>

namespace accrete {

/// A block that must exist from step `first` to step `last`, both included.
struct Lifetime {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t bytes = 0;
};

struct MemoryPlan {
  std::vector<std::int64_t> offsets;  ///< by block, multiples of kPlanAlignment
  std::int64_t peak_bytes = 0;        ///< end of the highest block
  /// The largest sum of blocks alive in any one step: no plan can be smaller.
  std::int64_t lower_bound_bytes = 0;
};

constexpr std::int64_t kPlanAlignment = 64;

/// Places the largest blocks first, each in the tightest gap between the blocks whose lifetimes
/// overlap its own (greedy by size: Pisarchyk & Lee, "Efficient memory management for deep neural
/// net inference", arXiv 2001.03288, section 5.3). Blocks that are never alive together may share
/// bytes; others never overlap.
MemoryPlan plan_memory(const std::vector<Lifetime>& blocks);

}  // namespace accrete
