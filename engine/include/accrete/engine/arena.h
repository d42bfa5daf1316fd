// SPDX-License-Identifier: Apache-2.0
// The one allocation of a run.
#pragma once

#include <cstddef>
#include <cstdint>

#include "accrete/kernels/device_runtime.h"

namespace accrete {

/// Zeroed device memory that is released with the arena.
class Arena {
 public:
  /// `runtime` must outlive the arena. Error(out_of_memory) with the size and the cure if the
  /// device refuses. Nothing is allocated for 0 bytes.
  Arena(DeviceRuntime& runtime, std::int64_t bytes)
      : runtime_(runtime),
        base_(bytes > 0 ? static_cast<std::byte*>(runtime.allocate(bytes)) : nullptr) {}
  ~Arena() {
    if (base_ != nullptr) {
      runtime_.release(base_);
    }
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::byte* at(std::int64_t offset) const { return base_ + offset; }

 private:
  DeviceRuntime& runtime_;
  std::byte* base_;
};

}  // namespace accrete
