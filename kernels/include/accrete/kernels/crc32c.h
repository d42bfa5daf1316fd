// SPDX-License-Identifier: Apache-2.0
// The sum that tells whether bytes of a file are the ones that were written.
#pragma once

#include <cstddef>
#include <cstdint>

namespace accrete {

/// The CRC32C (Castagnoli polynomial, as in RFC 3720, section 12.1) of the `bytes` bytes at `data`,
/// continued from `before`, the sum of what comes ahead of them: crc32c(b, n, crc32c(a, m)) is the
/// sum of a followed by b, and the sum of no bytes is `before`. `data` needs no alignment, and may
/// be null if `bytes` is 0. Finds every change confined to 32 bits in a row, which one flipped bit
/// is, and all but one in 2^32 of other changes by chance; it keeps out no one who means to
/// deceive. Throws nothing; may be called from any thread.
std::uint32_t crc32c(const void* data, std::size_t bytes, std::uint32_t before = 0);

}  // namespace accrete
