// SPDX-License-Identifier: Apache-2.0
// IDX files, good and damaged, plain and gzip, and the Fashion-MNIST reader on top of them.
#include "accrete/data/idx_file.h"

#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "accrete/data/fashion_mnist.h"
#include "accrete/kernels/error.h"
#include "support/catch.h"

namespace accrete::data {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

std::string big_endian(std::uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xFFU);
  }
  return text;
}

std::string idx(std::uint32_t magic, const std::vector<std::uint32_t>& extents,
                const std::string& bytes) {
  std::string text = big_endian(magic);
  for (const std::uint32_t extent : extents) {
    text += big_endian(extent);
  }
  return text + bytes;
}

std::string scratch(const std::string& name) {
  fs::create_directories("idx_test_files");
  return "idx_test_files/" + name;
}

void write_plain(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

void write_gzip(const std::string& path, const std::string& text) {
  gzFile file = gzopen(path.c_str(), "wb");
  REQUIRE(file != nullptr);
  REQUIRE(gzwrite(file, text.data(), static_cast<unsigned>(text.size())) ==
          static_cast<int>(text.size()));
  gzclose(file);
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string error_of(const std::string& path, int dimensions, ErrorCode code) {
  try {
    read_idx(path, dimensions);
  } catch (const Error& error) {
    CHECK(error.code() == code);
    return error.what();
  }
  FAIL("no error");
  return {};
}

// A folder with two images of 2x3 per split.
std::string small_folder(const std::string& name, const std::string& labels) {
  const std::string folder = scratch(name);
  fs::create_directories(folder);
  for (const char* split : {"train", "t10k"}) {
    write_gzip(folder + "/" + split + "-images-idx3-ubyte.gz",
               idx(0x803, {2, 2, 3}, "abcdefghijkl"));
    write_plain(folder + "/" + split + "-labels-idx1-ubyte",
                idx(0x801, {static_cast<std::uint32_t>(labels.size())}, labels));
  }
  return folder;
}

}  // namespace

TEST_CASE("plain and gzip files read alike, whatever their names") {
  const std::string text = idx(0x803, {2, 1, 3}, "abcdef");
  write_plain(scratch("a.gz"), text);
  write_gzip(scratch("b"), text);
  for (const char* name : {"a.gz", "b"}) {
    const IdxArray array = read_idx(scratch(name), 3);
    CHECK(array.extents == std::vector<std::int64_t>{2, 1, 3});
    CHECK(std::string(array.bytes.begin(), array.bytes.end()) == "abcdef");
  }
}

TEST_CASE("damaged files say what is wrong with them") {
  write_plain(scratch("magic"), idx(0x801, {6}, "abcdef"));
  CHECK_THAT(error_of(scratch("magic"), 3, ErrorCode::data),
             Contains("0x00000801") && Contains("0x00000803"));
  write_plain(scratch("short"), idx(0x801, {6}, "abcde"));
  CHECK_THAT(error_of(scratch("short"), 1, ErrorCode::data), Contains("truncated"));
  write_plain(scratch("header"), std::string("\0\0\x08", 3));
  CHECK_THAT(error_of(scratch("header"), 1, ErrorCode::data), Contains("magic number"));
  write_plain(scratch("long"), idx(0x801, {6}, "abcdefg"));
  CHECK_THAT(error_of(scratch("long"), 1, ErrorCode::data), Contains("more bytes"));
  write_plain(scratch("huge"), idx(0x803, {0xFFFFFFFFU, 0xFFFFFFFFU, 0xFFFFFFFFU}, ""));
  CHECK_THAT(error_of(scratch("huge"), 3, ErrorCode::data), Contains("impossible size"));
  CHECK_THAT(error_of(scratch("absent"), 3, ErrorCode::io), Contains("absent"));
}

TEST_CASE("gzip damage is noticed") {
  std::string bytes;
  for (int i = 0; i < 5000; ++i) {
    bytes += static_cast<char>((i * 7919) >> 3);
  }
  write_gzip(scratch("good.gz"), idx(0x801, {5000}, bytes));
  const std::string good = content_of(scratch("good.gz"));
  CHECK(read_idx(scratch("good.gz"), 1).bytes.size() == 5000);

  write_plain(scratch("cut.gz"), good.substr(0, good.size() / 2));
  CHECK_THAT(error_of(scratch("cut.gz"), 1, ErrorCode::data), Contains("truncated"));
  std::string flipped = good;  // the last eight bytes are checksum and length
  flipped[flipped.size() - 6] = static_cast<char>(flipped[flipped.size() - 6] ^ 1);
  write_plain(scratch("crc.gz"), flipped);
  CHECK_THAT(error_of(scratch("crc.gz"), 1, ErrorCode::data), Contains("damaged"));
}

TEST_CASE("a Fashion-MNIST folder is read and checked") {
  const TrainTest sets = read_fashion_mnist(small_folder("good", std::string("\x03\x09", 2)));
  CHECK(sets.train.num_images == 2);
  CHECK(sets.train.height == 2);
  CHECK(sets.train.width == 3);
  CHECK(sets.test.labels == std::vector<std::int32_t>{3, 9});
  CHECK(*sets.train.image(1) == 'g');
  CHECK_THROWS_WITH(read_fashion_mnist(small_folder("count", std::string("\x03\x09\x01", 3))),
                    Contains("2 images") && Contains("3 labels"));
  CHECK_THROWS_WITH(read_fashion_mnist(small_folder("label", std::string("\x03\x0a", 2))),
                    Contains("label 10"));
}

TEST_CASE("the search takes the first place that has the files") {
  const std::string folder = small_folder("found", std::string("\x01\x02", 2));
  FashionMnistSearch search;
  search.system_folder = scratch("nothing-here");
  search.environment = folder;
  CHECK(load_fashion_mnist(search).source == folder);
  search.environment.clear();
  search.system_folder = folder;
  CHECK(load_fashion_mnist(search).source == folder);
  search.spec_path = scratch("named-but-empty");
  CHECK_THROWS_WITH(load_fashion_mnist(search),
                    Contains("named-but-empty") && Contains("Three ways"));
}

TEST_CASE("when nothing works the message names all places and all ways") {
  FashionMnistSearch search;
  search.environment = scratch("env");
  search.system_folder = scratch("sys");
  CHECK_THROWS_WITH(load_fashion_mnist(search),
                    Contains("env") && Contains("sys") && Contains("dataset-fashion-mnist") &&
                        Contains("ACCRETE_DATA") && Contains("downloaded"));
}

TEST_CASE("limits keep the first images") {
  TrainTest sets = read_fashion_mnist(small_folder("limit", std::string("\x03\x09", 2)));
  limit_images(sets.train, 1);
  CHECK(sets.train.num_images == 1);
  CHECK(sets.train.labels == std::vector<std::int32_t>{3});
  CHECK(sets.train.pixels.size() == 6);
  limit_images(sets.test, 0);
  CHECK(sets.test.num_images == 2);
}

}  // namespace accrete::data
