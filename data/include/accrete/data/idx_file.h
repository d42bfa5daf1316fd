// SPDX-License-Identifier: Apache-2.0
// The IDX format of the MNIST family (yann.lecun.com/exdb/mnist, "File formats"), plain or gzip:
// a big-endian magic number 0x0000TTDD (TT = 08: unsigned byte, DD = number of dimensions), the
// extents as big-endian u32, the bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace accrete::data {

struct IdxArray {
  std::vector<std::int64_t> extents;
  std::vector<std::uint8_t> bytes;
};

/// Reads a whole file, decompressing gzip (checksum verified) by its content, not its name.
/// Error(io) if it cannot be read; Error(data) with path and reason if it is no byte array of
/// `dimensions` dimensions, is truncated, damaged or has bytes left over.
IdxArray read_idx(const std::string& path, int dimensions);

}  // namespace accrete::data
