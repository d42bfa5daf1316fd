// SPDX-License-Identifier: Apache-2.0
// Properties every plan must have, on random lifetimes.
#include "accrete/engine/memory_plan.h"

#include <algorithm>

#include "accrete/kernels/random.h"
#include "support/catch.h"

namespace accrete {
namespace {

std::vector<Lifetime> random_blocks(std::uint64_t seed, std::int64_t count) {
  std::vector<Lifetime> blocks;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto words = philox({seed, 1}, static_cast<std::uint64_t>(i));
    const std::int64_t first = words[0] % 50;
    blocks.push_back({first, first + words[1] % 12, words[2] % 5000});
  }
  return blocks;
}

bool alive_together(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

TEST_CASE("blocks that are alive together never overlap") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const auto blocks = random_blocks(seed, 1 + static_cast<std::int64_t>(seed) * 2);
    const MemoryPlan plan = plan_memory(blocks);
    INFO("seed " << seed);
    REQUIRE(plan.offsets.size() == blocks.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      REQUIRE(plan.offsets[i] % kPlanAlignment == 0);
      REQUIRE(plan.offsets[i] >= 0);
      REQUIRE(plan.offsets[i] + blocks[i].bytes <= plan.peak_bytes);
      for (std::size_t j = 0; j < i; ++j) {
        if (alive_together(blocks[i], blocks[j])) {
          const bool apart = plan.offsets[i] + blocks[i].bytes <= plan.offsets[j] ||
                             plan.offsets[j] + blocks[j].bytes <= plan.offsets[i];
          REQUIRE(apart);
        }
      }
    }
  }
}

TEST_CASE("the peak lies between the lower bound and the sum of all blocks") {
  for (std::uint64_t seed = 100; seed < 140; ++seed) {
    const auto blocks = random_blocks(seed, 80);
    const MemoryPlan plan = plan_memory(blocks);
    std::int64_t sum = 0;
    for (const Lifetime& block : blocks) {
      sum += (block.bytes + kPlanAlignment - 1) / kPlanAlignment * kPlanAlignment;
    }
    INFO("seed " << seed);
    REQUIRE(plan.peak_bytes >= plan.lower_bound_bytes);
    REQUIRE(plan.peak_bytes <= sum);
    // Greedy by size stays close to the bound on such inputs; far more means it broke.
    REQUIRE(static_cast<double>(plan.peak_bytes) <=
            1.35 * static_cast<double>(plan.lower_bound_bytes));
  }
}

TEST_CASE("memory is reused when lifetimes do not touch") {
  const MemoryPlan plan = plan_memory({{0, 1, 1000}, {2, 3, 1000}, {4, 5, 640}});
  CHECK(plan.peak_bytes == 1024);
  CHECK(plan.offsets == std::vector<std::int64_t>{0, 0, 0});
}

TEST_CASE("a block is put into the tightest gap") {
  // Blocks that stay and, between them, some that are gone when the last one comes: gaps of 320
  // bytes at 0, of 192 at 576 and of 384 at 960. The first is neither the tightest nor the widest.
  const MemoryPlan plan = plan_memory({{0, 1, 320},
                                       {0, 9, 256},
                                       {0, 1, 192},
                                       {0, 9, 192},
                                       {0, 1, 128},
                                       {0, 1, 128},
                                       {0, 1, 128},
                                       {0, 9, 128},
                                       {2, 9, 128}});
  CHECK(plan.offsets == std::vector<std::int64_t>{0, 320, 576, 768, 960, 1088, 1216, 1344, 576});
  CHECK(plan.peak_bytes == plan.lower_bound_bytes);
}

TEST_CASE("an empty plan and empty blocks need nothing") {
  CHECK(plan_memory({}).peak_bytes == 0);
  CHECK(plan_memory({{0, 3, 0}}).peak_bytes == 0);
}

}  // namespace accrete
