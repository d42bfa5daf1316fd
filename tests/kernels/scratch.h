// SPDX-License-Identifier: Apache-2.0
// A workspace of exactly the promised size, full of NaN, with a guard behind it.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "accrete/kernels/workspace.h"

namespace accrete::test {

class Scratch {
 public:
  explicit Scratch(std::size_t bytes)
      : bytes_(bytes), memory_((bytes + kAlignment + kGuard) / sizeof(float) + 1) {
    for (float& value : memory_) {
      value = std::numeric_limits<float>::quiet_NaN();
    }
    std::memset(start() + bytes_, 0x5A, kGuard);
  }

  Workspace workspace() { return {start(), bytes_}; }

  /// False when something was written behind the end.
  bool intact() {
    for (std::size_t i = 0; i < kGuard; ++i) {
      if (start()[bytes_ + i] != 0x5A) {
        return false;
      }
    }
    return true;
  }

 private:
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kGuard = 128;

  unsigned char* start() {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    const std::size_t skip = (kAlignment - address % kAlignment) % kAlignment;
    return reinterpret_cast<unsigned char*>(memory_.data()) + skip;
  }

  std::size_t bytes_;
  std::vector<float> memory_;
};

}  // namespace accrete::test
