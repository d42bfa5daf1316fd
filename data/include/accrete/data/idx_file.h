// SPDX-License-Identifier: Apache-2.0
// The IDX format of the MNIST family (yann.lecun.com/exdb/mnist, "File formats"), plain or gzip:
// a big-endian magic number 0x0000TTDD (TT = 08: unsigned byte, DD = number of dimensions), the
// extents as big-endian u32, the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace accrete::data {

/// The largest array that is read: 16 GiB.
constexpr std::int64_t kMostIdxBytes = std::int64_t{1} << 34;
/// The largest that is read from a compressed file, of which a thousandth may stand for it: 2 GiB.
constexpr std::int64_t kMostCompressedIdxBytes = std::int64_t{1} << 31;

struct IdxArray {
  std::vector<std::int64_t> extents;
  std::vector<std::uint8_t> bytes;  ///< as many as the product of the extents, which are positive
};

/// Reads a whole file, decompressing gzip (checksums verified) by its content, not its name.
/// Error(data) with path and reason if it is no regular file, cannot be read, is no byte array of
/// `dimensions` dimensions, is larger than the limits above, truncated, damaged or has bytes left
/// over; Error(out_of_memory) if it is larger than the memory that can be had. What the header
/// announces costs nothing until the file has shown that it holds it.
IdxArray read_idx(const std::string& path, int dimensions);

/// The extents that read_idx would give, from the header alone; the same errors as far as a header
/// shows them.
std::vector<std::int64_t> read_idx_extents(const std::string& path, int dimensions);

/// As read_idx for the content of a file, at `bytes`; `name` stands for the path in messages.
IdxArray parse_idx(const void* bytes, std::size_t size, int dimensions, const std::string& name);

}  // namespace accrete::data
