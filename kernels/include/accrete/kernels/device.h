// SPDX-License-Identifier: Apache-2.0
// Where a tensor lives and a kernel runs.
#pragma once

#include <cstdint>
#include <string>

namespace accrete {

enum class DeviceKind : std::uint8_t { cpu, cuda };

struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;  ///< CUDA ordinal; always 0 for the CPU

  friend bool operator==(const Device& a, const Device& b) {
    return a.kind == b.kind && a.index == b.index;
  }
  friend bool operator!=(const Device& a, const Device& b) { return !(a == b); }
};

/// The words used in reports: "cpu" or "gpu(0)".
inline std::string to_string(const Device& device) {
  return device.kind == DeviceKind::cpu ? "cpu" : "gpu(" + std::to_string(device.index) + ")";
}

}  // namespace accrete
