// SPDX-License-Identifier: Apache-2.0
// Private scratch of the tasks in flight. A task borrows a slot of the workspace while it runs;
// the lowest free slot is handed out, so that a pool of T threads keeps T slots warm in its caches.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "cpu/workspace_floats.h"

namespace accrete::kernels::cpu {

/// Most tasks that can be in flight at once; a thread beyond that waits for a slot.
constexpr std::int64_t kMaxScratchSlots = 32;

inline std::int64_t scratch_slot_count(std::int64_t tasks) {
  return tasks < kMaxScratchSlots ? tasks : kMaxScratchSlots;
}

class ScratchSlots {
 public:
  /// `slots` slots of `slot_floats` floats each, from `data` on.
  ScratchSlots(float* data, std::int64_t slots, std::int64_t slot_floats)
      : data_(data),
        slot_floats_(slot_floats),
        free_(static_cast<std::uint32_t>((std::uint64_t{1} << slots) - 1)) {}

  /// Holds one slot for the life of a task.
  class Lease {
   public:
    explicit Lease(ScratchSlots& slots) : slots_(slots), bit_(slots.claim()) {}
    ~Lease() { slots_.free_.fetch_or(bit_, std::memory_order_release); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    float* data() const { return slots_.data_ + slots_.slot_floats_ * __builtin_ctz(bit_); }

   private:
    ScratchSlots& slots_;
    std::uint32_t bit_;
  };

 private:
  std::uint32_t claim() {
    std::uint32_t free = free_.load(std::memory_order_relaxed);
    while (true) {
      const std::uint32_t lowest = free & (~free + 1);
      if (lowest == 0) {
        std::this_thread::yield();
        free = free_.load(std::memory_order_relaxed);
      } else if (free_.compare_exchange_weak(free, free ^ lowest, std::memory_order_acquire,
                                             std::memory_order_relaxed)) {
        return lowest;
      }
    }
  }

  float* data_;
  std::int64_t slot_floats_;
  std::atomic<std::uint32_t> free_;
};

/// The slots of `tasks` tasks, from a workspace.
inline ScratchSlots take_slots(WorkspaceFloats& floats, std::int64_t tasks,
                               std::int64_t slot_floats) {
  const std::int64_t slots = scratch_slot_count(tasks);
  return {floats.take(slots * slot_floats), slots, slot_floats};
}

}  // namespace accrete::kernels::cpu
