// SPDX-License-Identifier: Apache-2.0
// IDX files for tests: their bytes, and small ones in a scratch folder.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "support/catch.h"

namespace accrete::test {

inline std::string big_endian(std::uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xFFU);
  }
  return text;
}

/// Magic number, extents and whatever bytes follow them.
inline std::string idx(std::uint32_t magic, const std::vector<std::uint32_t>& extents,
                       const std::string& bytes) {
  std::string text = big_endian(magic);
  for (const std::uint32_t extent : extents) {
    text += big_endian(extent);
  }
  return text + bytes;
}

inline std::string scratch(const std::string& name) {
  std::filesystem::create_directories("idx_test_files");
  return "idx_test_files/" + name;
}

inline void write_plain(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// One gzip member.
inline std::string gzipped(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::vector<unsigned char> in(text.begin(), text.end());
  std::vector<unsigned char> out(deflateBound(&stream, static_cast<uLong>(in.size())));
  stream.next_in = in.data();
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  const std::size_t size = out.size() - stream.avail_out;
  deflateEnd(&stream);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

inline void write_gzip(const std::string& path, const std::string& text) {
  write_plain(path, gzipped(text));
}

}  // namespace accrete::test
