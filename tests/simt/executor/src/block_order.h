// SPDX-License-Identifier: Apache-2.0
// What orders accesses of two blocks of a launch: the first block's thread makes an atomic that is
// a release or stands behind a fence; a thread of the second one makes an atomic on the same word
// later, then a fence. What the first thread did before its release, and other threads of its block
// before a barrier in front of it, comes before what the second thread does behind its fence, and
// other threads of its block behind a further barrier (PTX ISA, "Memory Consistency Model": release
// and acquire patterns are cumulative). Who has learned something this way passes it on.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "race_shadow.h"

namespace simt::race {

/// The moment of a release or of a fence.
struct SyncPoint {
  std::uint32_t block = 0;
  std::uint16_t thread = 0;
  std::uint32_t epoch = 0;
  std::uint32_t clock = 0;  ///< of the thread, behind it

  bool covers(const Access& access) const {
    return access.block == block &&
           (access.epoch < epoch || (access.thread == thread && access.clock < clock));
  }
};

class BlockOrder {
 public:
  void begin_launch() { told_.clear(); }
  void begin_block(std::size_t threads);
  /// What the thread's atomics have heard comes before what it does from now on.
  void acquire(const SyncPoint& at);
  /// The thread's atomics tell from now on what it has done and learned so far.
  void release(const SyncPoint& at);
  /// An atomic on a word of global memory by a thread of the running block.
  void atomic(std::uint16_t thread, std::uintptr_t word);
  /// One that tells what its thread has done and learned so far.
  void release_atomic(const SyncPoint& at, std::uintptr_t word);
  /// Whether an access of an earlier block comes before one of the running block.
  bool ordered(const Access& earlier, const Access& now) const;

 private:
  struct Learned {
    SyncPoint from;
    SyncPoint at;
  };
  struct Thread {
    std::vector<SyncPoint> heard;     // by atomics, and not yet behind a fence
    std::vector<SyncPoint> released;  // what its atomics tell: by its last fence
  };

  std::vector<SyncPoint> known_at(const SyncPoint& at) const;
  void exchange(Thread& thread, std::uintptr_t word, const std::vector<SyncPoint>& tells);

  std::unordered_map<std::uintptr_t, std::vector<SyncPoint>> told_;  // by word
  std::vector<Thread> threads_;                                      // of the running block
  std::vector<Learned> learned_;                                     // by the running block
};

}  // namespace simt::race
