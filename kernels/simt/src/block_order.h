// SPDX-License-Identifier: Apache-2.0
// What orders accesses of two blocks of a launch: the first block's thread makes a fence, then an
// atomic; a thread of the second one makes an atomic on the same word later, then a fence. What the
// first thread did before its fence, and other threads of its block before a barrier in front of
// it, comes before what the second thread does behind its fence, and other threads of its block
// behind a further barrier (PTX ISA, "Memory Consistency Model": fence patterns are cumulative).
// Who has learned something this way passes it on with its own fences and atomics.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "race_shadow.h"

namespace simt::race {

/// The moment of a fence.
struct FencePoint {
  std::uint32_t block = 0;
  std::uint16_t thread = 0;
  std::uint32_t epoch = 0;
  std::uint32_t clock = 0;  ///< of the thread, behind the fence

  bool covers(const Access& access) const {
    return access.block == block &&
           (access.epoch < epoch || (access.thread == thread && access.clock < clock));
  }
};

class BlockOrder {
 public:
  void begin_launch() { told_.clear(); }
  void begin_block(std::size_t threads);
  void fence(const FencePoint& at);
  /// An atomic on a word of global memory by a thread of the running block.
  void atomic(std::uint16_t thread, std::uintptr_t word);
  /// Whether an access of an earlier block comes before one of the running block.
  bool ordered(const Access& earlier, const Access& now) const;

 private:
  struct Learned {
    FencePoint from;
    FencePoint at;
  };
  struct Thread {
    std::vector<FencePoint> heard;     // by atomics, and not yet behind a fence
    std::vector<FencePoint> released;  // what its next atomic tells: by its last fence
  };

  std::unordered_map<std::uintptr_t, std::vector<FencePoint>> told_;  // by word
  std::vector<Thread> threads_;                                       // of the running block
  std::vector<Learned> learned_;                                      // by the running block
};

}  // namespace simt::race
