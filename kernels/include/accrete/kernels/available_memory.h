// SPDX-License-Identifier: Apache-2.0
// How much host memory there is to be had.
#pragma once

#include <cstdint>

namespace accrete {

/// Bytes of host memory that this process can still expect to get without being killed for it: the
/// least of what the machine has available (MemAvailable of /proc/meminfo), what its control groups
/// leave it (v2 and v1, page cache that can be dropped not counted as used) and what its limits on
/// address space and data (RLIMIT_AS, RLIMIT_DATA) leave. INT64_MAX where nothing of that is known.
std::int64_t available_memory_bytes();

}  // namespace accrete
