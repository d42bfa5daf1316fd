// SPDX-License-Identifier: Apache-2.0
// One block of a grid: its threads, who may run next, barriers and warp collectives.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "fiber.h"
#include "shared_arena.h"
#include "simt/device.h"
#include "simt/executor.h"

namespace simt {

struct PendingCopy {
  void* shared;
  const void* global;
  std::uint32_t bytes;
  bool valid;
  int group;
  const void* code;  // return address into the kernel
};

struct Thread {
  enum class State : std::uint8_t { ready, at_barrier, in_collective, exited };
  State state = State::ready;
  Fiber* fiber = nullptr;  // null until the thread starts
  uint3 index{};
  const char* waits_for = "";
  Site barrier_site;
  std::vector<PendingCopy> copies;
  int open_group = 0;
};

/// Lanes that have arrived at a collective with one mask.
struct CollectiveGroup {
  std::uint32_t mask = 0;
  std::uint32_t arrived = 0;
  const char* name = "";
  std::array<void*, 32> operands{};
};

class Block {
 public:
  Block() = default;

  /// Runs all threads of block `index` to their end. Returns an empty string, or what went wrong.
  std::string run(const Grid& grid, const std::function<void()>& body, uint3 index);

  Thread& current() { return threads_[static_cast<std::size_t>(current_)]; }
  int current_lane() const { return current_ & 31; }
  SharedArena& shared() { return shared_; }

  void barrier(const Site& site);
  void collective(std::uint32_t mask, const char* name, void* operand, Leader leader);
  /// Ends the running thread and with it the block.
  [[noreturn]] void fault(const std::string& what) const;

 private:
  static void thread_main(void* block);
  void run_current();
  void prepare(const Grid& grid, uint3 index);
  int next_ready();
  void resume(int thread);
  void set_ready(int thread);
  void leave();  // back to the scheduler
  void thread_exited();
  void release_barrier();
  std::string stuck() const;
  Fiber* take_fiber();
  void abandon();
  std::string describe(int thread) const;

  Fiber scheduler_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> free_fibers_;
  std::vector<Thread> threads_;
  std::array<std::uint32_t, 32> ready_{};  // one bit per lane of each warp
  std::array<std::vector<CollectiveGroup>, 32> groups_;
  SharedArena shared_;
  const std::function<void()>* body_ = nullptr;
  dim3 extent_;
  int num_threads_ = 0;
  int current_ = 0;
  int live_ = 0;
  int at_barrier_ = 0;
  std::mt19937_64 random_;
  std::string fault_;
};

/// The block that this OS thread is running; there must be one.
Block& running_block();

}  // namespace simt
