// SPDX-License-Identifier: Apache-2.0
// The two ways to compute CRC32C. They work on the remainder, the complement of a sum.
#pragma once

#include <cstddef>
#include <cstdint>

namespace accrete::kernels::cpu {

/// The remainder `crc` after another `bytes` bytes at `at`, which need no alignment.
using Crc32cUpdate = std::uint32_t (*)(std::uint32_t crc, const unsigned char* at,
                                       std::size_t bytes);

/// With eight tables of 1 KiB, a table per byte of a word: on every machine.
std::uint32_t crc32c_by_tables(std::uint32_t crc, const unsigned char* at, std::size_t bytes);

/// With the instruction of SSE4.2; null on machines that do not have it.
Crc32cUpdate crc32c_by_instruction();

}  // namespace accrete::kernels::cpu
