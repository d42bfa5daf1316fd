// SPDX-License-Identifier: Apache-2.0
// The race detector: two accesses of which one writes must be ordered. Ordered are accesses of one
// thread, of different launches, of one block with a barrier between them, of one warp with a
// __syncwarp between them, and of two blocks through an atomic (block_order.h).
// Shuffles and ballots order nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "block_order.h"
#include "race_hooks.h"
#include "race_shadow.h"
#include "simt/executor.h"

namespace simt::race {

class Detector {
 public:
  void begin_launch(const Grid& grid);
  void begin_block(uint3 index, const void* shared, std::size_t shared_bytes);
  void switch_to(int thread, const void* stack, std::size_t stack_bytes);
  void barrier_released() { ++epoch_; }
  void warp_synchronised(std::uint32_t mask);

  /// An access by the running thread. Its own stack is nobody else's business.
  void access(const void* address, std::size_t bytes, Kind kind, const void* code) {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    if (at - stack_ >= stack_bytes_) {
      access_by(thread_, at, bytes, kind, code);
    }
  }
  /// An access by a lane of the running warp.
  void access_by_lane(int lane, const void* address, std::size_t bytes, const void* code) {
    access_by((thread_ & ~31) + lane, reinterpret_cast<std::uintptr_t>(address), bytes, Kind::read,
              code);
  }
  /// The running thread's cp.async to `address` is complete.
  void complete_copy(const void* address, std::size_t bytes, const void* code);
  /// An acquiring and releasing fence of the running thread.
  void fence();
  /// The running thread's atomic access to `address` is done.
  void atomic_done(const void* address, AtomicOrder order);

  bool enabled() const { return enabled_; }
  bool found() const { return found_; }
  std::uint64_t accesses() const { return accesses_; }
  std::string report() const;

 private:
  using Clocks = std::array<std::uint32_t, 32>;

  void access_by(int thread, std::uintptr_t address, std::size_t bytes, Kind kind,
                 const void* code);
  Access stamped(int thread, std::uintptr_t address, Kind kind, const void* code) const;
  bool conflict(const Access& earlier, const Access& now) const;
  void check(const Cell& cell, const Access& now, std::uintptr_t address);
  SyncPoint sync_point();
  bool is_shared(std::uintptr_t address) const { return address - shared_ < shared_bytes_; }
  std::string describe(const Access& access) const;

  Shadow shadow_;
  bool enabled_ = false;
  std::uint32_t newest_generation_ = 0;
  std::uint32_t launch_generation_ = 0;
  std::uint32_t block_generation_ = 0;
  Grid grid_{};
  std::uint32_t block_ = 0;
  std::uint32_t epoch_ = 0;
  int thread_ = 0;
  std::vector<Clocks> clocks_;  // of every thread: what it has seen of the lanes of its warp
  BlockOrder blocks_;
  std::uintptr_t stack_ = 0;
  std::size_t stack_bytes_ = 0;
  std::uintptr_t shared_ = 0;
  std::size_t shared_bytes_ = 0;

  std::uint64_t accesses_ = 0;
  bool found_ = false;
  bool in_shared_ = false;
  Access first_, second_;  // of the race found
};

/// The detector of this OS thread while it runs instrumented code of a kernel, else null.
extern thread_local constinit Detector* watching;

/// "file.cuh:12 < file.cu:34" for a return address: the line of the call before it, and the lines
/// that the function at hand was inlined into; "file.cu:?" for code that stands for several lines.
/// Needs addr2line; without it, the address in the program's file.
std::string source_lines(const void* return_address);

}  // namespace simt::race
