// SPDX-License-Identifier: Apache-2.0
// A header is believed only as far as the file can bear it out: memory is taken for what a plain
// file's length, or the bytes that a compressed one has really given, stand for.
#include "accrete/data/idx_file.h"

#include <algorithm>
#include <cstdio>

#include "accrete/kernels/checked_size.h"
#include "accrete/kernels/error.h"
#include "byte_source.h"
#include "host_memory.h"

namespace accrete::data {
namespace {

constexpr std::uint32_t kUnsignedByte = 0x08;
constexpr std::int64_t kFirstPiece = std::int64_t{1} << 20;

[[noreturn]] void reject(const std::string& name, const std::string& why) {
  throw Error(ErrorCode::data, name + " is not usable: " + why);
}

class Parser {
 public:
  Parser(ByteSource& source, const std::string& name) : reader_(source, name), name_(name) {}

  std::vector<std::int64_t> extents(int dimensions) {
    check_magic(dimensions);
    std::vector<std::int64_t> extents(static_cast<std::size_t>(dimensions));
    for (std::int64_t& extent : extents) {
      extent = read_u32("header");
    }
    check_backed(announced_bytes(extents), 4 * (1 + std::int64_t{dimensions}));
    return extents;
  }

  IdxArray array(int dimensions) {
    IdxArray array;
    array.extents = extents(dimensions);
    const std::int64_t bytes = announced_bytes(array.extents);
    require_memory(bytes, name_, "use a machine with more, or a smaller file");
    read_data(array.bytes, bytes);
    expect_end();
    return array;
  }

 private:
  void check_magic(int dimensions) {
    const std::uint32_t magic = read_u32("magic number");
    const std::uint32_t expected = (kUnsignedByte << 8U) | static_cast<std::uint32_t>(dimensions);
    if (magic != expected) {
      char text[80];
      std::snprintf(text, sizeof(text), "its magic number is 0x%08x, expected 0x%08x", magic,
                    expected);
      reject(name_, text);
    }
  }

  std::int64_t announced_bytes(const std::vector<std::int64_t>& extents) const {
    CheckedSize product = 1;
    for (const std::int64_t extent : extents) {
      product *= extent;
    }
    if (product.value_or(0) == 0 || !product.at_most(kMostIdxBytes)) {
      reject(name_, "its header announces an impossible size; a file holds 1 to " +
                        std::to_string(kMostIdxBytes) + " bytes");
    }
    return product.value_or(0);
  }

  void check_backed(std::int64_t bytes, std::int64_t header_bytes) const {
    const CheckedSize most = reader_.most_bytes();
    if (!(CheckedSize(bytes) + header_bytes).at_most(most.value_or(INT64_MAX))) {
      reject(name_, "its header announces " + std::to_string(bytes) +
                        " bytes, more than can be in it; the file is truncated");
    }
    if (reader_.compressed() && bytes > kMostCompressedIdxBytes) {
      reject(name_, "its header announces " + mebibytes(bytes) +
                        ", a compressed file holds up to " + mebibytes(kMostCompressedIdxBytes) +
                        "; decompress it with gunzip");
    }
  }

  // Of a compressed file, whose length says little, at most twice what has been read is taken.
  void read_data(std::vector<std::uint8_t>& bytes, std::int64_t total) {
    std::int64_t have = 0;
    std::int64_t piece = reader_.compressed() ? std::min(kFirstPiece, total) : total;
    while (have < total) {
      bytes.resize(static_cast<std::size_t>(have + piece));
      read(bytes.data() + have, piece, "data");
      have += piece;
      piece = std::min(have, total - have);
    }
  }

  void read(void* target, std::int64_t bytes, const char* what) {
    auto* at = static_cast<std::uint8_t*>(target);
    while (bytes > 0) {
      const std::size_t got = reader_.read(at, static_cast<std::size_t>(bytes));
      if (got == 0) {
        reject(name_, std::string("it ends inside its ") + what + "; the file is truncated");
      }
      at += got;
      bytes -= static_cast<std::int64_t>(got);
    }
  }

  std::uint32_t read_u32(const char* what) {
    unsigned char b[4];
    read(b, 4, what);
    return (static_cast<std::uint32_t>(b[0]) << 24U) | (static_cast<std::uint32_t>(b[1]) << 16U) |
           (static_cast<std::uint32_t>(b[2]) << 8U) | b[3];
  }

  // Reading on to the end also verifies the checksum.
  void expect_end() {
    char extra = 0;
    if (reader_.read(&extra, 1) != 0) {
      reject(name_, "it has more bytes than its header announces");
    }
  }

  GzipReader reader_;
  const std::string& name_;
};

}  // namespace

IdxArray read_idx(const std::string& path, int dimensions) {
  return reporting_memory("the content of " + path, [&] {
    FileSource file(path);
    return Parser(file, path).array(dimensions);
  });
}

std::vector<std::int64_t> read_idx_extents(const std::string& path, int dimensions) {
  return reporting_memory("the header of " + path, [&] {
    FileSource file(path);
    return Parser(file, path).extents(dimensions);
  });
}

IdxArray parse_idx(const void* bytes, std::size_t size, int dimensions, const std::string& name) {
  return reporting_memory("the content of " + name, [&] {
    MemorySource memory(bytes, size);
    return Parser(memory, name).array(dimensions);
  });
}

}  // namespace accrete::data
