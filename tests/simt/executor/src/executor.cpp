// SPDX-License-Identifier: Apache-2.0
#include "simt/executor.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "accrete/kernels/error.h"
#include "block.h"
#include "launch_check.h"
#include "race_hooks.h"

namespace simt {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Schedule schedule_from_environment() {
  Schedule schedule;
  if (environment("SIMT_ORDER") == "reverse") {
    schedule.order = Order::reverse;
  } else if (environment("SIMT_ORDER") == "random") {
    schedule.order = Order::random;
  }
  if (environment("SIMT_ASYNC") == "early") {
    schedule.async = AsyncCopies::early;
  }
  if (const std::string_view seed = environment("SIMT_SEED"); !seed.empty()) {
    schedule.seed = std::strtoull(seed.data(), nullptr, 10);
  }
  return schedule;
}

Schedule& mutable_schedule() {
  thread_local Schedule schedule = schedule_from_environment();
  return schedule;
}

thread_local Block* running = nullptr;

[[noreturn]] void fail(const Grid& grid, const std::string& what) {
  throw accrete::Error(accrete::ErrorCode::device_failure,
                       std::string("[") + grid.name + "] " + what);
}

void check_limits(const Grid& grid) {
  if (const std::string broken = broken_limit(grid); !broken.empty()) {
    fail(grid, "the launch would be refused: " + broken);
  }
}

Block& block_of_this_thread() {
  thread_local Block block;
  return block;
}

}  // namespace

void set_schedule(const Schedule& schedule) {
  mutable_schedule() = schedule;
}

const Schedule& schedule() {
  return mutable_schedule();
}

Block& running_block() {
  return *running;
}

namespace {

// All blocks in the order of the schedule, up to the first fault: that, or an empty string.
std::string run_blocks(Block& block, const Grid& grid, const std::function<void()>& body) {
  const std::uint64_t count = std::uint64_t{grid.grid.x} * grid.grid.y * grid.grid.z;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t number = schedule().order == Order::reverse ? count - 1 - i : i;
    const uint3 index{static_cast<unsigned>(number % grid.grid.x),
                      static_cast<unsigned>(number / grid.grid.x % grid.grid.y),
                      static_cast<unsigned>(number / grid.grid.x / grid.grid.y)};
    const std::string fault = block.run(grid, body, index);
    if (!fault.empty()) {
      return "block (" + std::to_string(index.x) + "," + std::to_string(index.y) + "," +
             std::to_string(index.z) + ") " + fault;
    }
  }
  return {};
}

}  // namespace

void run_grid(const Grid& grid, const std::function<void()>& body) {
  check_limits(grid);
  Block& block = block_of_this_thread();
  running = &block;
  block.shared().begin_launch(grid.dynamic_shared_bytes, shared_limit(grid));
  race::begin_launch(grid);
  const std::string fault = run_blocks(block, grid, body);
  learn_static_shared(grid.kernel, block.shared().most_static_bytes());
  if (!fault.empty()) {
    fail(grid, fault);
  }
}

void Recorder::replay() const {
  for (const auto& [grid, body] : launches) {
    run_grid(grid, body);
  }
}

void submit(void* stream, const Grid& grid, std::function<void()> body) {
  auto* recorder = static_cast<Recorder*>(stream);
  if (recorder != nullptr && recorder->recording) {
    check_limits(grid);
    recorder->launches.emplace_back(grid, std::move(body));
    return;
  }
  run_grid(grid, body);
}

MatrixLoads& matrix_loads() {
  thread_local MatrixLoads loads;
  return loads;
}

void* shared_array(const void* key, std::size_t bytes, std::size_t alignment) {
  const race::ExecutorCode unwatched;
  Block& block = running_block();
  void* data = block.shared().array(key, bytes, alignment);
  if (data == nullptr) {
    block.fault("an array of " + std::to_string(bytes) + " bytes makes shared memory exceed the " +
                std::to_string(block.shared().limit()) +
                " bytes that the launch may have; a kernel needs to be allowed more than 48 KiB");
  }
  return data;
}

unsigned char* dynamic_shared() {
  const race::ExecutorCode unwatched;
  Block& block = running_block();
  unsigned char* data = block.shared().dynamic();
  if (data == nullptr) {
    block.fault("the kernel has dynamic shared memory, the launch gave it none");
  }
  return data;
}

void block_barrier(const Site& site) {
  const race::ExecutorCode unwatched;
  running_block().barrier(site);
}

void warp_collective(std::uint32_t mask, const char* name, void* operand, Leader leader) {
  const race::ExecutorCode unwatched;
  running_block().collective(mask, name, operand, leader);
}

void warp_barrier(std::uint32_t mask) {
  warp_collective(mask, "__syncwarp", &mask, [](void* const* masks) {
    const void* const* any = std::find_if(masks, masks + 32, [](void* m) { return m != nullptr; });
    race::warp_synchronised(*static_cast<const std::uint32_t*>(*any));
  });
}

void absent_source(const char* name, int lane, int source) {
  running_block().fault(std::string(name) + " by lane " + std::to_string(lane) +
                        " reads from lane " + std::to_string(source) +
                        ", which is not in the mask");
}

int lane() {
  return running_block().current_lane();
}

namespace {

struct BallotOperand {
  bool predicate;
  std::uint32_t result;
};

void run_ballot(void* const* operands) {
  std::uint32_t result = 0;
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    const auto* operand = static_cast<const BallotOperand*>(operands[lane]);
    result |= (operand != nullptr && operand->predicate ? 1U : 0U) << lane;
  }
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    if (operands[lane] != nullptr) {
      static_cast<BallotOperand*>(operands[lane])->result = result;
    }
  }
}

}  // namespace

std::uint32_t ballot(std::uint32_t mask, bool predicate) {
  BallotOperand operand{predicate, 0};
  warp_collective(mask, "__ballot_sync", &operand, &run_ballot);
  return operand.result;
}

}  // namespace simt
