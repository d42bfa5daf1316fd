// SPDX-License-Identifier: Apache-2.0
// JSON texts that must not reach a parser, and what messages show of them.
#include "accrete/engine/json_text.h"

#include "support/catch.h"
#include "support/files.h"

namespace accrete {
namespace {

using Catch::Matchers::Contains;
using test::repeated;

JsonFault fault_of(const std::string& text, const JsonLimits& limits = {}) {
  const auto fault = find_json_fault(text, limits);
  INFO(excerpt(text));
  REQUIRE(fault.has_value());
  CHECK(fault->message.size() < 400);
  CHECK(fault->byte <= text.size());
  return *fault;
}

struct Expected {
  const char* text;
  JsonFaultKind kind;
  const char* pointer;
};

}  // namespace

TEST_CASE("texts without fault have none") {
  for (const char* text :
       {"{}", "[]", "7", "\"\"", " null ", "-0", "1e-400", "18446744073709551616",
        R"({"a":{"a":{"b":1}},"b":[{"a":1},{"a":1}]})", R"(["\u00e9\ud83d\ude00","é"])"}) {
    INFO(text);
    CHECK_FALSE(find_json_fault(text).has_value());
  }
  JsonLimits comments;
  comments.comments = true;
  CHECK_FALSE(find_json_fault("// a\n{/* b */}", comments).has_value());
  CHECK(fault_of("// a\n{}").kind == JsonFaultKind::syntax);
}

TEST_CASE("the first fault of a text has its kind and its place") {
  for (const Expected& expected :
       {Expected{"", JsonFaultKind::syntax, ""},
        {"{,}", JsonFaultKind::syntax, ""},
        {"{\"a\":[1,2", JsonFaultKind::syntax, "/a/1"},
        {"{} {}", JsonFaultKind::syntax, ""},
        {"NaN", JsonFaultKind::syntax, ""},
        {"\"\xff\"", JsonFaultKind::syntax, ""},
        {"{\"a\":\"\xc3\"}", JsonFaultKind::syntax, "/a"},
        {"\"\xed\xa0\x80\"", JsonFaultKind::syntax, ""},
        {R"("\ud800")", JsonFaultKind::syntax, ""},
        {R"({"a":1,"b":{"c":1,"d":2,"c":3}})", JsonFaultKind::duplicate_key, "/b/c"},
        {R"({"a":1,"\u0061":2})", JsonFaultKind::duplicate_key, "/a"},
        {R"([{},{"a/b~":{"":1,"":2}}])", JsonFaultKind::duplicate_key, "/1/a~1b~0/"},
        {R"({"a":{"b":[0,1e999]}})", JsonFaultKind::out_of_range, "/a/b/1"},
        {"-1e400", JsonFaultKind::out_of_range, ""},
        {R"({"a":"x\u0000y"})", JsonFaultKind::nul_character, "/a"},
        {R"({"x\u0000y":1})", JsonFaultKind::nul_character, nullptr}}) {
    INFO(expected.text);
    const JsonFault fault = fault_of(expected.text);
    CHECK(fault.kind == expected.kind);
    if (expected.pointer != nullptr) {
      CHECK(fault.pointer == expected.pointer);
    }
  }
}

TEST_CASE("a NUL byte does not end a text early") {
  const std::string text = std::string("{}") + '\0' + "anything";
  const JsonFault fault = fault_of(text);
  CHECK(fault.kind == JsonFaultKind::syntax);
  CHECK(fault.byte == 2);
}

TEST_CASE("depth is limited, whatever is nested and however deep") {
  CHECK_FALSE(find_json_fault(repeated("[", 32) + repeated("]", 32)).has_value());
  for (const char* piece : {"[", "{\"a\":", "[{\"a\":"}) {
    for (const int times : {33, 1'000'000}) {
      const JsonFault fault = fault_of(repeated(piece, times));
      CHECK(fault.kind == JsonFaultKind::too_deep);
      CHECK(fault.byte < 400);  // it stopped there
    }
  }
  CHECK_THAT(fault_of(repeated("{\"a\":", 40)).message,
             Contains("/a/a/a") && Contains("32 levels"));
}

TEST_CASE("length is limited") {
  JsonLimits limits;
  limits.bytes = 4;
  CHECK_FALSE(find_json_fault("[12]", limits).has_value());
  CHECK(fault_of("[123]", limits).kind == JsonFaultKind::too_long);
}

TEST_CASE("many keys and long tokens are read, and messages stay short") {
  std::string keys = "{";
  for (int i = 0; i < 100'000; ++i) {
    keys += "\"key" + std::to_string(i) + "\":0,";
  }
  CHECK_FALSE(find_json_fault(keys + "\"last\":0}").has_value());
  CHECK(fault_of(keys + "\"key7\":0}").pointer == "/key7");
  const std::string mega(1'000'000, 'a');
  CHECK(fault_of("{\"" + mega + "\":1,\"" + mega + "\":2}").kind == JsonFaultKind::duplicate_key);
  CHECK(fault_of("\"" + mega).kind == JsonFaultKind::syntax);
  CHECK(fault_of(std::string(1'000'000, '1') + "e999").kind == JsonFaultKind::out_of_range);
}

TEST_CASE("an excerpt is short, whole characters, and nothing a terminal obeys") {
  CHECK(excerpt("größe") == "größe");
  CHECK(excerpt("abcdef", 3) == "abc...");
  CHECK(excerpt("abc", 3) == "abc");
  CHECK(excerpt("aéé", 3) == "aé...");
  CHECK(excerpt("aéé", 4) == "aé...");
  CHECK(excerpt("\x1b[2J\x7f\n") == "\\x1b[2J\\x7f\\x0a");
  CHECK(excerpt("a\xff\xc3") == "a\\xff\\xc3");
  CHECK(excerpt("\xed\xa0\x80\xc0\x80\xf5") == "\\xed\\xa0\\x80\\xc0\\x80\\xf5");
  CHECK(excerpt(std::string(1'000'000, 'x')).size() == 83);
}

TEST_CASE("quoting and pointers escape what would end them") {
  CHECK(json_quoted("a\"b\\c\n") == R"("a\"b\\c\u000a")");
  CHECK_FALSE(find_json_fault(json_quoted("tab\t\"é\"")).has_value());
  CHECK(fault_of(json_quoted("\xfe")).kind == JsonFaultKind::syntax);
  CHECK(json_pointer("/a", "b/c~d") == "/a/b~1c~0d");
}

TEST_CASE("control characters are those of all three sets, and messages show them as bytes") {
  for (const char* text : {"a\nb", "\x1b[2J", "a\x7f", "\xc2\x80", "name\xc2\x9b", "\x01"}) {
    CHECK(has_control_characters(text));
    CHECK(excerpt(text).find("\\x") != std::string::npos);
  }
  for (const char* text :
       {"", "run 1", "\xc2\xa0", "\xc3\x80", "d\xc3\xa9j\xc3\xa0", "\xe2\x82\xac"}) {
    CHECK_FALSE(has_control_characters(text));
  }
  CHECK(excerpt("a\xc2\x9b-") == "a\\xc2\\x9b-");
}

}  // namespace accrete
