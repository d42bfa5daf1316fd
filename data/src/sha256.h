// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4, section 6.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace accrete::data {

class Sha256 {
 public:
  void add(const void* bytes, std::size_t count);
  /// The digest of all that was added, as 64 hex digits. Nothing can be added afterwards.
  std::string hex();

 private:
  static constexpr std::size_t kBlock = 64;
  void take_block(const unsigned char* block);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, kBlock> pending_{};
  std::size_t pending_count_ = 0;
  std::uint64_t total_ = 0;  // bytes
};

/// Of a regular file. Error(data) if it cannot be read.
std::string sha256_of_file(const std::string& path);

}  // namespace accrete::data
