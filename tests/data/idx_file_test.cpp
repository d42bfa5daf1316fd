// SPDX-License-Identifier: Apache-2.0
// IDX files, good and damaged, plain and gzip.
#include "accrete/data/idx_file.h"

#include "accrete/kernels/error.h"
#include "support/catch.h"
#include "support/idx_content.h"

namespace accrete::data {
namespace {

using Catch::Matchers::Contains;
using namespace test;

std::string refusal(const std::string& path, int dimensions, ErrorCode code) {
  return error_of(code, [&] { read_idx(path, dimensions); });
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
  CHECK_THAT(refusal(scratch("magic"), 3, ErrorCode::data),
             Contains("0x00000801") && Contains("0x00000803"));
  write_plain(scratch("short"), idx(0x801, {6}, "abcde"));
  CHECK_THAT(refusal(scratch("short"), 1, ErrorCode::data), Contains("truncated"));
  write_plain(scratch("header"), std::string("\0\0\x08", 3));
  CHECK_THAT(refusal(scratch("header"), 1, ErrorCode::data), Contains("magic number"));
  write_plain(scratch("long"), idx(0x801, {6}, "abcdefg"));
  CHECK_THAT(refusal(scratch("long"), 1, ErrorCode::data), Contains("more bytes"));
  write_plain(scratch("huge"), idx(0x803, {0xFFFFFFFFU, 0xFFFFFFFFU, 0xFFFFFFFFU}, ""));
  CHECK_THAT(refusal(scratch("huge"), 3, ErrorCode::data), Contains("impossible size"));
  CHECK_THAT(refusal(scratch("absent"), 3, ErrorCode::data), Contains("absent"));
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
  CHECK_THAT(refusal(scratch("cut.gz"), 1, ErrorCode::data), Contains("truncated"));
  std::string flipped = good;  // the last eight bytes are checksum and length
  flipped[flipped.size() - 6] = static_cast<char>(flipped[flipped.size() - 6] ^ 1);
  write_plain(scratch("crc.gz"), flipped);
  CHECK_THAT(refusal(scratch("crc.gz"), 1, ErrorCode::data), Contains("damaged"));
}

TEST_CASE("members of a gzip file follow each other, and nothing else does") {
  const std::string text = idx(0x801, {6}, "abcdef");
  const std::string joined = gzipped(text.substr(0, 5)) + gzipped("") + gzipped(text.substr(5));
  write_plain(scratch("members.gz"), joined);
  CHECK(read_idx(scratch("members.gz"), 1).bytes.size() == 6);
  for (const char* tail : {"x", "\x1f", "trailing"}) {
    write_plain(scratch("tail.gz"), gzipped(text) + tail);
    CHECK_THAT(refusal(scratch("tail.gz"), 1, ErrorCode::data), Contains("behind its compressed"));
  }
  write_plain(scratch("more.gz"), gzipped(text) + gzipped("more"));
  CHECK_THAT(refusal(scratch("more.gz"), 1, ErrorCode::data), Contains("more bytes"));
}

TEST_CASE("memory is read like a file") {
  const std::string text = idx(0x803, {2, 1, 3}, "abcdef");
  for (const std::string& content : {text, gzipped(text)}) {
    const IdxArray array = parse_idx(content.data(), content.size(), 3, "memory");
    CHECK(array.extents == std::vector<std::int64_t>{2, 1, 3});
    CHECK(std::string(array.bytes.begin(), array.bytes.end()) == "abcdef");
    CHECK_THROWS_WITH(parse_idx(content.data(), content.size() - 1, 3, "memory"),
                      Contains("memory is not usable") && Contains("truncated"));
  }
  CHECK_THROWS_WITH(parse_idx(nullptr, 0, 1, "nothing"), Contains("nothing is not usable"));
}

}  // namespace accrete::data
