// SPDX-License-Identifier: Apache-2.0
// What available_memory_bytes reads, with folders that tests can replace.
#pragma once

#include <cstdint>
#include <string>

namespace accrete::kernels::cpu {

struct MemorySources {
  std::string proc = "/proc";
  std::string cgroups = "/sys/fs/cgroup";
};

/// MemAvailable; INT64_MAX if it cannot be read.
std::int64_t machine_headroom(const MemorySources& sources);
/// The least that any control group of this process leaves, its ancestors included; INT64_MAX
/// without a limit.
std::int64_t cgroup_headroom(const MemorySources& sources);

}  // namespace accrete::kernels::cpu
