// SPDX-License-Identifier: Apache-2.0
// IDX files for tests: their bytes, and small ones in a scratch folder.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/files.h"

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

/// The two plain files of a split of Fashion-MNIST, "train" or "t10k", in a folder that is made if
/// need be: so many images of height x width, labels 0, 1, 2, ... 9, 0, ...
inline void write_split(const std::string& folder, const std::string& prefix, std::uint32_t images,
                        std::uint32_t height, std::uint32_t width) {
  std::filesystem::create_directories(folder);
  std::string labels;
  for (std::uint32_t i = 0; i < images; ++i) {
    labels += static_cast<char>(i % 10);
  }
  write_plain(
      folder + "/" + prefix + "-images-idx3-ubyte",
      idx(0x803, {images, height, width}, std::string(std::size_t{images} * height * width, 'p')));
  write_plain(folder + "/" + prefix + "-labels-idx1-ubyte", idx(0x801, {images}, labels));
}

}  // namespace accrete::test
