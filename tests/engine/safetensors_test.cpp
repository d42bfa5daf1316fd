// SPDX-License-Identifier: Apache-2.0
// Safetensors files that others wrote: PyTorch's, and hostile ones.
#include "accrete/engine/safetensors.h"

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "accrete/engine/json_text.h"
#include "accrete/kernels/error.h"
#include "support/catch.h"

namespace accrete {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

// The bytes of a file: length of the header, header, data.
std::string file_of(const std::string& header, std::size_t data_bytes = 0) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(header.size() >> (8 * i));
  }
  return bytes + header + std::string(data_bytes, '\0');
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  int begin, int end) {
  return json_quoted(name) + R"(:{"dtype":")" + dtype + R"(","shape":)" + shape +
         R"(,"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(end) + "]}";
}

std::string object(const std::string& members) {
  std::string text = "{";
  text += members;
  text += "}";
  return text;
}

SafetensorsFile parse(const std::string& header, std::size_t data_bytes = 0) {
  return parse_safetensors(file_of(header, data_bytes), "some.safetensors");
}

std::string refusal_of(const std::string& bytes) {
  const std::string message =
      test::error_of(ErrorCode::weights, [&] { parse_safetensors(bytes, "some.safetensors"); });
  CHECK_THAT(message, Contains("some.safetensors"));
  CHECK(message.size() < 600);
  return message;
}

std::string scratch(const std::string& name) {
  fs::create_directories("safetensors_test_files");
  return "safetensors_test_files/" + name;
}

}  // namespace

TEST_CASE("batch counters of PyTorch's batch norms are left out, whatever lies around them") {
  const SafetensorsFile file = parse(object(entry("a.num_batches_tracked", "I64", "[]", 0, 8) +
                                            "," + entry("a.weight", "F32", "[2]", 8, 16) + "," +
                                            entry("b.num_batches_tracked", "I64", "[1]", 16, 24)),
                                     24);
  REQUIRE(file.arrays.size() == 1);
  CHECK(file.arrays[0].name == "a.weight");
  CHECK(file.arrays[0].values.size() == 2);
}

TEST_CASE("other integers and other dtypes are refused by name, with a cure") {
  for (const std::string& bad :
       {entry("a.num_batches_tracked", "I64", "[2]", 0, 16), entry("a.steps", "I64", "[]", 0, 8),
        entry("num_batches_tracked_not", "I64", "[]", 0, 8),
        entry("a.num_batches_tracked", "I32", "[]", 0, 4), entry("a.weight", "F16", "[2]", 0, 4),
        entry("a.weight", "BF16", "[2]", 0, 4), entry("a.weight", "F64", "[1]", 0, 8)}) {
    INFO(bad);
    CHECK_THAT(refusal_of(file_of(object(bad), 16)),
               Contains("only F32") && Contains("32-bit floats"));
  }
  CHECK_THAT(refusal_of(file_of(object(entry("a.num_batches_tracked", "I64", "[]", 0, 4)), 4)),
             Contains("do not match its shape"));
}

TEST_CASE("keys that stand twice are found at every depth of a header") {
  const std::string a = entry("a", "F32", "[1]", 0, 4);
  CHECK_THAT(refusal_of(file_of(object(a + "," + a), 4)), Contains("/a stands twice"));
  const std::string twice = R"({"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}})";
  CHECK_THAT(refusal_of(file_of(twice, 4)), Contains("/a/shape stands twice"));
  CHECK_THAT(refusal_of(file_of(R"({"__metadata__":{"k":"1","k":"2"}})")),
             Contains("/__metadata__/k stands twice"));
}

TEST_CASE("a header is refused before it is made anything of") {
  std::string deep = R"({"__metadata__":)";
  for (int i = 0; i < 100'000; ++i) {
    deep += "[";
  }
  CHECK_THAT(refusal_of(file_of(deep)), Contains("/__metadata__") && Contains("levels"));
  CHECK_THAT(refusal_of(file_of(R"({"__metadata__":{"k":1e999}})")), Contains("/__metadata__/k"));
  CHECK_THAT(refusal_of(file_of("{\"\xff\":1}")), Contains("not valid JSON"));
  CHECK_THAT(refusal_of(file_of(R"({"a\u0000b":1})")), Contains("U+0000"));
  CHECK_THAT(refusal_of(file_of(std::string("{}\0x", 4))), Contains("NUL"));
  CHECK_THAT(refusal_of(file_of("")), Contains("header length"));
  CHECK_THAT(refusal_of(file_of(object(entry(std::string(1'000'000, 'n'), "F16", "[1]", 0, 2)), 2)),
             Contains("nnn..."));
}

TEST_CASE("entries that are not entries are refused") {
  for (const char* header :
       {R"({"a":[]})", R"({"a":null})", R"({"a":{}})", R"({"a":{"dtype":"F32","shape":[1]}})",
        R"({"a":{"dtype":"F32","shape":7,"data_offsets":[0,4]}})",
        R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})",
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":["0",4]}})",
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})",
        R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})",
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551616]}})",
        R"({"__metadata__":[1]})", R"({"__metadata__":7})", R"({"__metadata__":{"k":1}})",
        R"({"__metadata__":null,"a":7})"}) {
    INFO(header);
    CHECK_THAT(refusal_of(file_of(header, 4)), Contains("malformed"));
  }
  for (const char* header :
       {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})",
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})",
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})",
        R"({"a":{"dtype":"F32","shape":[9223372036854775807,9],"data_offsets":[0,4]}})"}) {
    INFO(header);
    CHECK_THAT(refusal_of(file_of(header, 4)), Contains("do not match its shape"));
  }
  CHECK(parse(R"({"__metadata__":null})").arrays.empty());
}

TEST_CASE("lengths that the file does not have are refused without being allocated") {
  for (const std::string& bytes :
       {std::string(), std::string(7, '\0'), std::string(8, '\0'), std::string(8, '\xff'),
        std::string("\x00\x00\x00\x00\x00\x00\x00\x01", 8) + "{}",
        std::string("\x03\x00\x00\x00\x00\x00\x00\x00", 8) + "{}"}) {
    CHECK_THAT(refusal_of(bytes), Contains("header length"));
  }
  const std::string huge = entry("a", "F32", "[1099511627776]", 0, 4);
  CHECK_THAT(refusal_of(file_of(object(huge), 4)), Contains("do not match"));
  CHECK_THAT(
      refusal_of(file_of(
          R"({"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}})", 4)),
      Contains("truncated"));
}

TEST_CASE("tens of thousands of tensors are read") {
  std::string header = "{";
  for (int i = 0; i < 20'000; ++i) {
    header += entry("tensor" + std::to_string(i), "F32", "[0]", 0, 0) + ",";
  }
  CHECK(parse(header + entry("last", "F32", "[1]", 0, 4) + "}", 4).arrays.size() == 20'001);
}

TEST_CASE("what is no regular file is neither waited for nor read") {
  const std::string pipe = scratch("pipe");
  fs::remove(pipe);
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::string& path :
       {pipe, scratch(""), std::string("/dev/zero"), scratch("absent/absent")}) {
    INFO(path);
    try {
      read_safetensors(path);
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::io);
      CHECK_THAT(error.what(), Contains("cannot read " + path));
    }
  }
}

TEST_CASE("a file and its bytes in memory are read alike") {
  const std::string path = scratch("same.safetensors");
  write_safetensors(path, {{{"k", "v"}}, {{"b", {2, 1}, {1.5F, -2.0F}}, {"a", {}, {3.0F}}}});
  std::ifstream in(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  for (const SafetensorsFile& file : {read_safetensors(path), parse_safetensors(bytes, "memory")}) {
    CHECK(file.metadata.at("k") == "v");
    REQUIRE(file.arrays.size() == 2);
    CHECK(file.arrays[0].name == "b");
    CHECK(file.arrays[0].shape == std::vector<std::int64_t>{2, 1});
    CHECK(file.arrays[0].values == std::vector<float>{1.5F, -2.0F});
    CHECK(file.arrays[1].shape.empty());
  }
}

}  // namespace accrete
