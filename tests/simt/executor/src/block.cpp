// SPDX-License-Identifier: Apache-2.0
#include "block.h"

#include <bit>
#include <stdexcept>
#include <string_view>

#include "race_hooks.h"

__thread uint3 threadIdx;
__thread uint3 blockIdx;
__thread dim3 blockDim;
__thread dim3 gridDim;

namespace simt {
namespace {

// A broken rule. Thrown through the kernel, so that nothing on the way leaks.
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

std::string place(const Site& site) {
  return std::string(site.file) + ":" + std::to_string(site.line);
}

}  // namespace

std::string Block::run(const Grid& grid, const std::function<void()>& body, uint3 index) {
  body_ = &body;
  prepare(grid, index);
  while (live_ > 0 && fault_.empty() && !race::found()) {
    const int thread = next_ready();
    if (thread < 0) {
      fault_ = stuck();
      break;
    }
    resume(thread);
  }
  if (race::found()) {
    fault_ = race::report();
  }
  if (!fault_.empty()) {
    abandon();
  }
  return fault_;
}

void Block::prepare(const Grid& grid, uint3 index) {
  blockIdx = index;
  blockDim = grid.block;
  gridDim = grid.grid;
  extent_ = grid.block;
  num_threads_ = static_cast<int>(extent_.x * extent_.y * extent_.z);
  live_ = num_threads_;
  at_barrier_ = 0;
  fault_.clear();
  random_.seed(schedule().seed + index.x + 65537ULL * index.y);
  threads_.resize(static_cast<std::size_t>(num_threads_));
  ready_.fill(0);
  for (int i = 0; i < num_threads_; ++i) {
    Thread& thread = threads_[static_cast<std::size_t>(i)];
    const auto number = static_cast<unsigned>(i);
    thread.state = Thread::State::ready;
    thread.fiber = nullptr;
    thread.index = {number % extent_.x, number / extent_.x % extent_.y,
                    number / (extent_.x * extent_.y)};
    thread.copies.clear();
    thread.open_group = 0;
    set_ready(i);
  }
  for (auto& groups : groups_) {
    groups.clear();
  }
  shared_.begin_block();
  race::begin_block(index, shared_.memory(), SharedArena::kMemoryBytes);
}

void Block::set_ready(int thread) {
  threads_[static_cast<std::size_t>(thread)].state = Thread::State::ready;
  ready_[static_cast<std::size_t>(thread / 32)] |= 1U << (thread % 32);
}

// Depth first: the thread just made ready by a collective may be an earlier one.
int Block::next_ready() {
  const int warps = (num_threads_ + 31) / 32;
  const Order order = schedule().order;
  const int start =
      order == Order::random ? static_cast<int>(random_() % static_cast<unsigned>(warps)) : 0;
  for (int i = 0; i < warps; ++i) {
    const int warp = order == Order::reverse ? warps - 1 - i : (start + i) % warps;
    const std::uint32_t ready = ready_[static_cast<std::size_t>(warp)];
    if (ready == 0) {
      continue;
    }
    if (order == Order::forward) {
      return warp * 32 + std::countr_zero(ready);
    }
    if (order == Order::reverse) {
      return warp * 32 + 31 - std::countl_zero(ready);
    }
    const int turn = static_cast<int>(random_() % 32);
    return warp * 32 + (std::countr_zero(std::rotr(ready, turn)) + turn) % 32;
  }
  return -1;
}

void Block::resume(int thread) {
  ready_[static_cast<std::size_t>(thread / 32)] &= ~(1U << (thread % 32));
  current_ = thread;
  Thread& next = current();
  threadIdx = next.index;
  if (next.fiber == nullptr) {
    next.fiber = take_fiber();
  }
  race::switch_to(thread, *next.fiber);
  scheduler_.switch_to(*next.fiber);
}

Fiber* Block::take_fiber() {
  if (free_fibers_.empty()) {
    fibers_.push_back(std::make_unique<Fiber>(&Block::thread_main, this, fibers_.size()));
    return fibers_.back().get();
  }
  Fiber* fiber = free_fibers_.back();
  free_fibers_.pop_back();
  return fiber;
}

// A fiber runs one thread after another.
void Block::thread_main(void* block) {
  auto& self = *static_cast<Block*>(block);
  for (;;) {
    self.run_current();
    self.leave();
  }
}

void Block::run_current() {
  try {
    const race::KernelCode watched;
    (*body_)();
  } catch (const Fault& fault) {
    fault_ = fault.what();
  } catch (const std::exception& error) {
    fault_ = describe(current_) + " threw: " + error.what();
  }
  free_fibers_.push_back(current().fiber);
  thread_exited();
}

void Block::leave() {
  Thread& thread = current();
  thread.fiber->switch_to(scheduler_);
}

void Block::thread_exited() {
  current().state = Thread::State::exited;
  --live_;
  if (at_barrier_ > 0 && at_barrier_ == live_) {
    fault_ = describe(current_) + " exited while all others wait at the barrier in " + stuck();
  }
}

void Block::barrier(const Site& site) {
  Thread& thread = current();
  if (live_ < num_threads_) {
    fault("__syncthreads at " + place(site) + " after " + std::to_string(num_threads_ - live_) +
          " threads of the block have exited");
  }
  thread.barrier_site = site;
  thread.waits_for = "__syncthreads";
  thread.state = Thread::State::at_barrier;
  if (++at_barrier_ == live_) {
    release_barrier();
  }
  leave();
}

void Block::release_barrier() {
  const Site& site = threads_[0].barrier_site;
  for (int i = 0; i < num_threads_; ++i) {
    const Site& other = threads_[static_cast<std::size_t>(i)].barrier_site;
    if (other.line != site.line || other.file != site.file) {
      fault("divergent __syncthreads: " + describe(0) + " is at " + place(site) + ", " +
            describe(i) + " at " + place(other));
    }
    set_ready(i);
  }
  at_barrier_ = 0;
  race::barrier_released();
}

void Block::collective(std::uint32_t mask, const char* name, void* operand, Leader leader) {
  const int lane = current_ % 32;
  const int warp = current_ / 32;
  if ((mask >> lane & 1U) == 0) {
    fault(std::string(name) + " with a mask that does not hold the calling lane");
  }
  auto& groups = groups_[static_cast<std::size_t>(warp)];
  auto group = groups.begin();
  while (group != groups.end() && group->mask != mask) {
    ++group;
  }
  if (group == groups.end()) {
    group = groups.insert(group, CollectiveGroup{mask, 0, name, {}});
  }
  if (std::string_view(group->name) != name) {
    fault(std::string(name) + " meets " + group->name + " of other lanes");
  }
  group->operands[static_cast<std::size_t>(lane)] = operand;
  group->arrived |= 1U << lane;
  if (group->arrived != mask) {
    current().state = Thread::State::in_collective;
    current().waits_for = name;
    leave();
    return;
  }
  leader(group->operands.data());
  groups.erase(group);
  for (int other = 0; other < 32; ++other) {
    if (other != lane && (mask >> other & 1U) != 0) {
      set_ready(warp * 32 + other);
    }
  }
  // In line with the others: whoever comes first in the schedule goes on.
  set_ready(current_);
  leave();
}

void Block::fault(const std::string& what) const {
  throw Fault(describe(current_) + ": " + what);
}

std::string Block::describe(int thread) const {
  const uint3& at = threads_[static_cast<std::size_t>(thread)].index;
  return "thread (" + std::to_string(at.x) + "," + std::to_string(at.y) + "," +
         std::to_string(at.z) + ")";
}

std::string Block::stuck() const {
  std::string text = "deadlock:";
  int listed = 0;
  for (int i = 0; i < num_threads_ && listed < 4; ++i) {
    const Thread& thread = threads_[static_cast<std::size_t>(i)];
    if (thread.state == Thread::State::at_barrier) {
      text += " " + describe(i) + " waits at " + place(thread.barrier_site) + ";";
      ++listed;
    } else if (thread.state == Thread::State::in_collective) {
      text += " " + describe(i) + " waits in " + thread.waits_for + ";";
      ++listed;
    }
  }
  return text + " " + std::to_string(num_threads_ - live_) + " of " + std::to_string(num_threads_) +
         " threads have exited";
}

// Stacks of unfinished threads are dropped as they are: kernels hold nothing that needs a
// destructor.
void Block::abandon() {
  free_fibers_.clear();
  for (const auto& fiber : fibers_) {
    fiber->reset();
    free_fibers_.push_back(fiber.get());
  }
}

}  // namespace simt
