// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/memory_plan.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

namespace accrete {
namespace {

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kPlanAlignment - 1) / kPlanAlignment * kPlanAlignment;
}

bool overlap(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

struct PlacedBlock {
  std::int64_t begin = 0, end = 0;
  Lifetime life;
  friend bool operator<(const PlacedBlock& a, const PlacedBlock& b) { return a.begin < b.begin; }
};

// Start of the smallest gap of at least `bytes` between the placed blocks that live at the same
// time (`neighbours`, by offset), or the end of the last one.
std::int64_t best_offset(const std::vector<std::pair<std::int64_t, std::int64_t>>& neighbours,
                         std::int64_t bytes) {
  std::int64_t best = -1;
  std::int64_t best_gap = std::numeric_limits<std::int64_t>::max();
  std::int64_t free_from = 0;
  for (const auto& [begin, end] : neighbours) {
    const std::int64_t gap = begin - free_from;
    if (gap >= bytes && gap < best_gap) {
      best = free_from;
      best_gap = gap;
    }
    free_from = std::max(free_from, end);
  }
  return best >= 0 ? best : free_from;
}

std::int64_t largest_sum_alive(const std::vector<Lifetime>& blocks) {
  std::map<std::int64_t, std::int64_t> change;
  for (const Lifetime& block : blocks) {
    change[block.first] += aligned(block.bytes);
    change[block.last + 1] -= aligned(block.bytes);
  }
  std::int64_t alive = 0;
  std::int64_t largest = 0;
  for (const auto& [step, delta] : change) {
    alive += delta;
    largest = std::max(largest, alive);
  }
  return largest;
}

}  // namespace

MemoryPlan plan_memory(const std::vector<Lifetime>& blocks) {
  std::vector<std::size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return blocks[a].bytes > blocks[b].bytes; });

  MemoryPlan plan;
  plan.offsets.assign(blocks.size(), 0);
  plan.lower_bound_bytes = largest_sum_alive(blocks);
  std::vector<PlacedBlock> placed;  // by offset
  std::vector<std::pair<std::int64_t, std::int64_t>> neighbours;
  for (const std::size_t index : order) {
    const Lifetime& block = blocks[index];
    if (block.bytes == 0) {
      continue;
    }
    neighbours.clear();
    for (const PlacedBlock& other : placed) {
      if (overlap(block, other.life)) {
        neighbours.emplace_back(other.begin, other.end);
      }
    }
    const std::int64_t begin = best_offset(neighbours, aligned(block.bytes));
    const PlacedBlock here{begin, begin + aligned(block.bytes), block};
    plan.offsets[index] = begin;
    plan.peak_bytes = std::max(plan.peak_bytes, here.end);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), here), here);
  }
  return plan;
}

}  // namespace accrete
