// SPDX-License-Identifier: Apache-2.0
// IDX files that lie about their size, and things that are no files: one error each, soon, and for
// little memory.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "accrete/data/idx_file.h"
#include "accrete/kernels/error.h"
#include "support/allocations.h"
#include "support/catch.h"
#include "support/idx_content.h"

namespace accrete::data {
namespace {

using Catch::Matchers::Contains;
using namespace test;

constexpr std::size_t kLittle = std::size_t{4} << 20;

// The message; every error must be about the data and must not have cost memory.
std::string refusal(const std::string& content, int dimensions) {
  take_largest_allocation();
  const std::string message = error_of(
      ErrorCode::data, [&] { parse_idx(content.data(), content.size(), dimensions, "file"); });
  CHECK(take_largest_allocation() < kLittle);
  return message;
}

std::string refusal_of_file(const std::string& path) {
  const std::string message = error_of(ErrorCode::data, [&] { read_idx(path, 1); });
  CHECK_THAT(message, Contains(path));
  return message;
}

}  // namespace

TEST_CASE("a header alone takes no memory, whatever size it announces") {
  const std::vector<std::vector<std::uint32_t>> sizes = {
      {1U << 16U, 1U << 9U, 1U << 9U},        // exactly the limit
      {60000, 512, 512},                      // 15 GiB
      {4000, 1024, 1024},                     // 4 GiB
      {1, 1, 17},                             // one byte more than follows
      {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF},   // wraps 64 bits
      {1U << 31U, 1U << 31U, 4},              // wraps to 0
      {0x80000001, 0x80000001, 0x80000001}};  // wraps to something small
  for (const auto& extents : sizes) {
    const std::string text = idx(0x803, extents, std::string(16, 'x'));
    for (const std::string& content : {text, gzipped(text)}) {
      CHECK_THAT(refusal(content, 3), Contains("truncated") || Contains("impossible size"));
    }
  }
  for (const std::size_t zero : {0U, 1U, 2U}) {
    std::vector<std::uint32_t> extents(3, 5);
    extents[zero] = 0;
    CHECK_THAT(refusal(idx(0x803, extents, ""), 3), Contains("impossible size"));
  }
}

TEST_CASE("headers that end early, of other types or dimensions") {
  const std::string whole = idx(0x803, {1, 1, 1}, "");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CHECK_THAT(refusal(whole.substr(0, length), 3), Contains("truncated"));
  }
  for (const std::uint32_t magic : {0x801U, 0x802U, 0x804U, 0x8FFU, 0xD03U, 0x1000803U, 0U}) {
    CHECK_THAT(refusal(idx(magic, {1, 1, 1}, "x"), 3), Contains("magic number"));
  }
}

TEST_CASE("a compressed file that can hold a tenth of what it announces stops there") {
  // 100 MB announced by a file whose length would allow for it, 5 MB given.
  std::string text = idx(0x801, {100'000'000}, std::string(5'000'000, '\0'));
  std::string content = gzipped(text);
  while (content.size() < 100'000) {
    content += gzipped("");
  }
  take_largest_allocation();
  CHECK_THROWS_WITH(parse_idx(content.data(), content.size(), 1, "bomb"), Contains("truncated"));
  CHECK(take_largest_allocation() < std::size_t{24} << 20);
}

TEST_CASE("an honest bomb is refused by its announcement") {
  // 3 GiB of zeros, of which nothing but the header must be decompressed.
  std::string content = gzipped(idx(0x801, {3U << 30U}, std::string(1 << 20, '\0')));
  const std::string more = gzipped(std::string(1 << 24, '\0'));
  for (int i = 0; i < 192; ++i) {
    content += more;
  }
  CHECK_THAT(refusal(content, 1), Contains("2048 MiB") && Contains("gunzip"));
}

TEST_CASE("a sparse file that announces more than the memory there is") {
  if (!knows_allocations()) {
    return;
  }
  const std::string path = scratch("sparse");
  constexpr std::uint32_t kImages = 1U << 16U;  // of 512x512: 16 GiB
  write_plain(path, idx(0x803, {kImages, 512, 512}, ""));
  REQUIRE(::truncate(path.c_str(), 16 + kMostIdxBytes) == 0);
  const AllocationLimit limit(std::size_t{1} << 30);  // it may fit this machine
  try {
    read_idx(path, 3);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::out_of_memory);
    CHECK_THAT(error.what(), Contains(path) && Contains("memory"));
  }
  std::filesystem::remove(path);
}

TEST_CASE("what is no regular file is refused without waiting for it") {
  const std::string folder = scratch("folder");
  std::filesystem::create_directories(folder);
  CHECK_THAT(refusal_of_file(folder), Contains("it is a folder"));
  const std::string pipe = scratch("pipe");
  std::filesystem::remove(pipe);
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THAT(refusal_of_file(pipe), Contains("not a regular file"));
  for (const char* device : {"/dev/zero", "/dev/full", "/dev/null", "/dev/random"}) {
    CHECK_THAT(refusal_of_file(device), Contains("not a regular file"));
  }
  const std::string link = scratch("link");
  std::filesystem::remove(link);
  std::filesystem::create_symlink("/dev/zero", link);
  CHECK_THAT(refusal_of_file(link), Contains("not a regular file"));
}

TEST_CASE("files that cannot be opened, or have nothing in them") {
  CHECK_THAT(refusal_of_file(scratch("absent")), Contains("No such file"));
  CHECK_THAT(refusal_of_file(std::string(300, 'n')), Contains("name too long"));
  CHECK_THROWS_WITH(read_idx(std::string("a\0b", 3), 1), Contains("zero byte"));
  const std::string loop = scratch("loop");
  std::filesystem::remove(loop);
  std::filesystem::create_symlink("loop", loop);
  CHECK_THAT(refusal_of_file(loop), Contains("symbolic links"));
  write_plain(scratch("empty"), "");
  CHECK_THAT(refusal_of_file(scratch("empty")), Contains("truncated"));
  // Generated by the kernel while it is read, without a length.
  CHECK_THAT(refusal_of_file("/proc/self/status"), Contains("truncated"));
}

TEST_CASE("no change of a few bytes does harm") {
  const std::string plain = idx(0x803, {3, 4, 5}, std::string(60, 'p'));
  std::mt19937 random(7);  // NOLINT: the same every time
  for (const std::string& good : {plain, gzipped(plain), gzipped(plain) + gzipped("")}) {
    for (int i = 0; i < 4000; ++i) {
      std::string changed = good;
      for (unsigned edits = random() % 4 + 1; edits > 0; --edits) {
        changed[random() % changed.size()] = static_cast<char>(random());
      }
      changed.resize(changed.size() - (random() % 4 == 0 ? random() % changed.size() : 0));
      take_largest_allocation();
      try {
        const IdxArray array = parse_idx(changed.data(), changed.size(), 3, "changed");
        std::int64_t product = 1;
        for (const std::int64_t extent : array.extents) {
          product *= extent;
        }
        REQUIRE(product == static_cast<std::int64_t>(array.bytes.size()));
      } catch (const Error& error) {
        REQUIRE(error.code() == ErrorCode::data);
      }
      REQUIRE(take_largest_allocation() < kLittle);
    }
  }
}

}  // namespace accrete::data
