// SPDX-License-Identifier: Apache-2.0
// What kernels keep in their workspace.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "accrete/kernels/call.h"
#include "cpu/row_tiles.h"

namespace accrete::kernels::cpu {

inline std::size_t float_bytes(std::int64_t count) {
  return static_cast<std::size_t>(count) * sizeof(float);
}

/// Hands out a workspace piece by piece. Pieces of a multiple of 16 floats keep the 64-byte
/// alignment of its start.
class WorkspaceFloats {
 public:
  explicit WorkspaceFloats(const Workspace& workspace)
      : next_(static_cast<float*>(workspace.data)) {}

  float* take(std::int64_t count) {
    float* const piece = next_;
    next_ += count;
    return piece;
  }

 private:
  float* next_;
};

// Private scratch of the tasks in flight. A task borrows a slot of the workspace while it runs;
// the lowest free slot is handed out, so that a pool of T threads keeps T slots warm in its caches.

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

// Tables of per-channel factors that a kernel computes once per call, in its workspace.

/// Floats of one table: whole vectors may be read from any channel on.
constexpr std::int64_t table_floats(std::int64_t channels) {
  return padded_channels(channels) + kMaxLanes;
}

/// NormRelu as max(0, x * scale + shift).
struct NormReluTable {
  float* scale = nullptr;
  float* shift = nullptr;

  static constexpr std::int64_t floats(std::int64_t channels) { return 2 * table_floats(channels); }
  static NormReluTable take(WorkspaceFloats& workspace, std::int64_t channels) {
    NormReluTable table;
    table.scale = workspace.take(table_floats(channels));
    table.shift = workspace.take(table_floats(channels));
    return table;
  }
};

/// DeferredGradient as g * of_g + y * of_y + constant.
struct DeferredGradientTable {
  float* of_g = nullptr;
  float* of_y = nullptr;
  float* constant = nullptr;

  static constexpr std::int64_t floats(std::int64_t channels) { return 3 * table_floats(channels); }
  static DeferredGradientTable take(WorkspaceFloats& workspace, std::int64_t channels) {
    DeferredGradientTable table;
    table.of_g = workspace.take(table_floats(channels));
    table.of_y = workspace.take(table_floats(channels));
    table.constant = workspace.take(table_floats(channels));
    return table;
  }
};

}  // namespace accrete::kernels::cpu
