// SPDX-License-Identifier: Apache-2.0
// list_launches NET: a line for each launch of a training step of a published net in bf16, batch
// 256: op, blocks, threads of a block, bytes of dynamic shared memory.
#include <cstdio>
#include <exception>

#include "cuda/recorded_step.h"

namespace {

int list(const std::string& name) {
  using namespace accrete;
  for (const test::PublishedNet& net : test::published_nets()) {
    if (net.name != name) {
      continue;
    }
    const auto plan = test::plan_of(net, DType::bf16, true);
    for (const simt::Grid& grid : test::recorded_launches(plan, FloatMath::strict, true)) {
      std::printf("%s %u %u %zu\n", grid.name, grid.grid.x * grid.grid.y * grid.grid.z,
                  grid.block.x * grid.block.y * grid.block.z, grid.dynamic_shared_bytes);
    }
    return 0;
  }
  std::fprintf(stderr, "list_launches: no preset is called '%s'\n", name.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return list(argc == 2 ? argv[1] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "list_launches: %s\n", error.what());
    return 1;
  }
}
