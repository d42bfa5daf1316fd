// SPDX-License-Identifier: Apache-2.0
#include "accrete/data/idx_file.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "accrete/kernels/error.h"

namespace accrete::data {
namespace {

constexpr std::uint32_t kUnsignedByte = 0x08;
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 34;

[[noreturn]] void reject(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::data, path + " is not usable: " + why);
}

// zlib reads plain files unchanged, so one path serves both kinds.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (file_ == nullptr) {
      throw Error(ErrorCode::io, "cannot open " + path + ": " + std::strerror(errno));
    }
    gzbuffer(file_, 1U << 17U);
  }
  ~Reader() { gzclose(file_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void read(void* target, std::int64_t bytes, const char* what) {
    auto* at = static_cast<char*>(target);
    while (bytes > 0) {
      const auto piece = static_cast<unsigned>(std::min<std::int64_t>(bytes, 1 << 30));
      const int got = gzread(file_, at, piece);
      check_stream();
      if (got <= 0) {
        reject(path_, std::string("it ends inside its ") + what + "; the file is truncated");
      }
      at += got;
      bytes -= got;
    }
  }

  std::uint32_t read_u32(const char* what) {
    unsigned char b[4];
    read(b, 4, what);
    return (static_cast<std::uint32_t>(b[0]) << 24U) | (static_cast<std::uint32_t>(b[1]) << 16U) |
           (static_cast<std::uint32_t>(b[2]) << 8U) | b[3];
  }

  // Reading on to the end also makes zlib verify the checksum.
  void expect_end() {
    char extra = 0;
    const int got = gzread(file_, &extra, 1);
    check_stream();
    if (got != 0) {
      reject(path_, "it has more bytes than its header announces");
    }
  }

 private:
  void check_stream() {
    int status = Z_OK;
    const char* message = gzerror(file_, &status);
    if (status == Z_BUF_ERROR) {
      reject(path_, "the compressed data ends early; the file is truncated");
    }
    if (status != Z_OK && status != Z_STREAM_END) {
      reject(path_, std::string("the compressed data is damaged (") + message + ")");
    }
  }

  std::string path_;
  gzFile file_;
};

}  // namespace

IdxArray read_idx(const std::string& path, int dimensions) {
  Reader reader(path);
  const std::uint32_t magic = reader.read_u32("magic number");
  const std::uint32_t expected = (kUnsignedByte << 8U) | static_cast<std::uint32_t>(dimensions);
  if (magic != expected) {
    char text[80];
    std::snprintf(text, sizeof(text), "its magic number is 0x%08x, expected 0x%08x", magic,
                  expected);
    reject(path, text);
  }
  IdxArray array;
  std::int64_t bytes = 1;
  for (int i = 0; i < dimensions; ++i) {
    array.extents.push_back(reader.read_u32("header"));
    if (array.extents.back() == 0 || bytes > kMaxBytes / array.extents.back()) {
      reject(path, "its header announces an impossible size");
    }
    bytes *= array.extents.back();
  }
  array.bytes.resize(static_cast<std::size_t>(bytes));
  reader.read(array.bytes.data(), bytes, "data");
  reader.expect_end();
  return array;
}

}  // namespace accrete::data
