// SPDX-License-Identifier: Apache-2.0
#include "race_detector.h"

#include <algorithm>

namespace simt::race {

thread_local constinit Detector* watching = nullptr;

void Detector::begin_launch(const Grid& grid) {
  enabled_ = schedule().find_races;
  found_ = false;
  grid_ = grid;
  launch_generation_ = ++newest_generation_;
  blocks_.begin_launch();
}

void Detector::begin_block(uint3 index, const void* shared, std::size_t shared_bytes) {
  block_generation_ = ++newest_generation_;
  block_ = index.x + grid_.grid.x * (index.y + grid_.grid.y * index.z);
  epoch_ = 0;
  shared_ = reinterpret_cast<std::uintptr_t>(shared);
  shared_bytes_ = shared_bytes;
  const std::size_t threads = std::size_t{grid_.block.x} * grid_.block.y * grid_.block.z;
  clocks_.assign((threads + 31) / 32 * 32, Clocks{});
  blocks_.begin_block(threads);
}

void Detector::switch_to(int thread, const void* stack, std::size_t stack_bytes) {
  thread_ = thread;
  stack_ = reinterpret_cast<std::uintptr_t>(stack);
  stack_bytes_ = stack_bytes;
}

void Detector::warp_synchronised(std::uint32_t mask) {
  Clocks* lanes = clocks_.data() + (thread_ & ~31);
  Clocks joined{};
  for (std::size_t lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1U) != 0) {
      ++lanes[lane][lane];
      for (std::size_t i = 0; i < 32; ++i) {
        joined[i] = std::max(joined[i], lanes[lane][i]);
      }
    }
  }
  for (std::size_t lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1U) != 0) {
      lanes[lane] = joined;
    }
  }
}

// Accesses behind the point are told from those before it by the thread's own clock.
SyncPoint Detector::sync_point() {
  const auto number = static_cast<std::size_t>(thread_);
  const std::uint32_t clock = ++clocks_[number][number % 32];
  return {block_, static_cast<std::uint16_t>(thread_), epoch_, clock};
}

void Detector::fence() {
  const SyncPoint at = sync_point();
  blocks_.acquire(at);
  blocks_.release(at);
}

void Detector::atomic_done(const void* address, AtomicOrder order) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  if (is_shared(at)) {
    return;
  }
  if (order == AtomicOrder::release) {
    blocks_.release_atomic(sync_point(), at);
  } else {
    blocks_.atomic(static_cast<std::uint16_t>(thread_), at);
  }
}

Access Detector::stamped(int thread, std::uintptr_t address, Kind kind, const void* code) const {
  Access access;
  access.code = code;
  access.generation = is_shared(address) ? block_generation_ : launch_generation_;
  access.block = block_;
  access.epoch = epoch_;
  const auto number = static_cast<std::size_t>(thread);
  access.clock = clocks_[number][number % 32];
  access.thread = static_cast<std::uint16_t>(thread);
  access.kind = kind;
  return access;
}

bool Detector::conflict(const Access& earlier, const Access& now) const {
  if (earlier.generation != now.generation || !(earlier.writes() || now.writes()) ||
      (earlier.kind == Kind::atomic && now.kind == Kind::atomic)) {
    return false;
  }
  if (earlier.kind == Kind::copy) {
    return true;  // nobody may come near it before the wait
  }
  if (earlier.same_thread(now)) {
    return false;
  }
  if (earlier.block != now.block) {
    return !blocks_.ordered(earlier, now);
  }
  if (earlier.epoch < now.epoch) {
    return false;
  }
  // What `now` knows of the clock of a lane has grown past every access before their __syncwarp.
  return !earlier.same_warp(now) || clocks_[now.thread][earlier.thread % 32U] <= earlier.clock;
}

void Detector::check(const Cell& cell, const Access& now, std::uintptr_t address) {
  for (const Access* earlier : {&cell.write, &cell.reads[0], &cell.reads[1], &cell.reads[2]}) {
    if (!found_ && conflict(*earlier, now)) {
      found_ = true;
      in_shared_ = is_shared(address);
      first_ = *earlier;
      second_ = now;
    }
  }
}

void Detector::access_by(int thread, std::uintptr_t address, std::size_t bytes, Kind kind,
                         const void* code) {
  ++accesses_;
  const Access now = stamped(thread, address, kind, code);
  shadow_.for_each_cell(address, bytes, [&](Cell& cell) {
    check(cell, now, address);
    cell.record(now);
  });
}

void Detector::complete_copy(const void* address, std::size_t bytes, const void* code) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  const Access now = stamped(thread_, at, Kind::write, code);
  shadow_.for_each_cell(at, bytes, [&](Cell& cell) {
    if (cell.write.kind == Kind::copy && cell.write.same_thread(now)) {
      cell.write = now;
    }
    check(cell, now, at);
    cell.record(now);
  });
}

std::string Detector::describe(const Access& access) const {
  constexpr const char* kNames[] = {"read", "write", "atomic", "cp.async under way"};
  const dim3& extent = grid_.block;
  const auto triple = [](unsigned number, const dim3& of) {
    return "(" + std::to_string(number % of.x) + "," + std::to_string(number / of.x % of.y) + "," +
           std::to_string(number / (of.x * of.y)) + ")";
  };
  std::string text = std::string(kNames[static_cast<int>(access.kind)]) + " by thread " +
                     triple(access.thread, extent);
  if (first_.block != second_.block) {
    text += " of block " + triple(access.block, grid_.grid);
  }
  return text + " at " + source_lines(access.code);
}

std::string Detector::report() const {
  return std::string("race in ") + (in_shared_ ? "shared" : "global") +
         " memory: " + describe(first_) + ", " + describe(second_);
}

}  // namespace simt::race
