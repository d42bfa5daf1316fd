// SPDX-License-Identifier: Apache-2.0
// Specs and overrides that nobody would write by hand: each is one Error(spec), soon, in few words.
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "accrete/kernels/error.h"
#include "accrete/models/run_spec.h"
#include "support/catch.h"
#include "support/files.h"

namespace accrete::models {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using test::repeated;

// A list of `count` times `element`.
std::string list(const std::string& element, int count) {
  std::string text = "[";
  text += repeated(element + ",", count - 1) + element;
  return text + "]";
}

std::string spec_text(const std::string& model, const std::string& data = "",
                      const std::string& training = "") {
  std::string text = R"({"model":{)" + model;
  text += R"(},"data":{)" + data;
  return text + R"(},"training":{)" + training + "}}";
}

// "key=", to which a value is added.
std::string set_to(const std::string& key) {
  return key + "=";
}

RunSpec with(const std::string& assignment) {
  return parse_run_spec(spec_text(""), "s.json", {parse_override(assignment)});
}

template <class Parse>
std::string refusal_of(const Parse& parse) {
  const std::string message = test::error_of(ErrorCode::spec, parse);
  CHECK(message.size() < 700);
  return message;
}

std::string error_of_text(const std::string& text) {
  return refusal_of([&] { parse_run_spec(text, "s.json"); });
}

std::string error_of_set(const std::string& assignment) {
  return refusal_of([&] { with(assignment); });
}

void check_fixed_point(const RunSpec& spec) {
  const std::string text = resolved_spec(spec);
  const RunSpec again = parse_run_spec(text, "resolved");
  INFO(text);
  CHECK(resolved_spec(again) == text);
  CHECK(spec_fingerprint(again) == spec_fingerprint(spec));
}

}  // namespace

TEST_CASE("faults of the text are named with their place") {
  CHECK_THAT(error_of_text(spec_text("", "", R"("optimizer":{"learning_rate":1e999})")),
             Contains("s.json: /training/optimizer/learning_rate") && Contains("1e999"));
  CHECK_THAT(error_of_text(spec_text("", R"("mean":[0,-1e400])")), Contains("/data/mean/1"));
  CHECK_THAT(error_of_text(spec_text(R"("a":)" + repeated("[", 100'000))), Contains("levels"));
  CHECK_THAT(error_of_text(repeated(R"({"model":)", 100'000)), Contains("/model/model"));
  CHECK_THAT(error_of_text(spec_text("", "", R"("epochs":1,"epochs":2)")),
             Contains("/training/epochs stands twice"));
  CHECK_THAT(error_of_text(spec_text(R"("stem":{"kernel":3,"stride":1,"kernel":5})")),
             Contains("/model/stem/kernel stands twice"));
  CHECK_THAT(error_of_text(spec_text("", R"("augmentation":{"crop_padding":1,"crop_padding":1})")),
             Contains("/data/augmentation/crop_padding stands twice"));
  CHECK_THAT(error_of_text(R"({"model":{},"data":{},"training":{},"model":{}})"),
             Contains("/model stands twice"));
  CHECK_THAT(error_of_text(spec_text("", R"("path":"/data\u0000/x")")),
             Contains("/data/path") && Contains("U+0000"));
  CHECK_THAT(error_of_text(spec_text("", "\"path\":\"\xff\"")), Contains("not valid JSON"));
  CHECK_THAT(error_of_text(spec_text("", "\"\xc3\x28\":1")), Contains("not valid JSON"));
  CHECK_THAT(error_of_text(spec_text("") + std::string(1, '\0') + "{"), Contains("NUL"));
  CHECK_THAT(error_of_text(""), Contains("not valid JSON"));
  CHECK_THAT(error_of_text(std::string(std::size_t{17} << 20, ' ')), Contains("bytes"));
}

TEST_CASE("overrides are as strict as the text, and bare words stay words") {
  CHECK_THAT(error_of_set(repeated("a.", 100'000) + "a=1"), Contains("more than 32 parts"));
  CHECK_THAT(error_of_set(set_to("model.blocks") + repeated("[", 100'000)), Contains("levels"));
  CHECK_THAT(error_of_set("training.optimizer.learning_rate=1e999"),
             Contains("--set training.optimizer.learning_rate") && Contains("1e999"));
  CHECK_THAT(error_of_set(R"(training={"epochs":1,"epochs":2})"), Contains("/epochs stands twice"));
  CHECK_THAT(error_of_set("name=\xff\xfe"), Contains("not valid JSON"));
  CHECK_THAT(error_of_set("name=\"a\xff\""), Contains("not valid JSON"));
  CHECK_THAT(error_of_set("training.\xff=1"), Contains("--set training.\\xff"));
  CHECK_THAT(error_of_set(R"(data.path="a\u0000b")"), Contains("U+0000"));
  CHECK_THAT(error_of_set(std::string("data.path=a\0b", 13)), Contains("U+0000"));
  CHECK_THAT(error_of_set(std::string("na\0me=a", 7)), Contains("U+0000"));
  for (const char* key : {".", "training.", ".epochs", "training..epochs"}) {
    CHECK_THAT(error_of_set(std::string(key) + "=1"), Contains("before or after a dot"));
  }
  CHECK_THAT(error_of_set("data.mean.0=1"), Contains("/data/mean"));
  CHECK(with("name=a [b").name == "a [b");
  CHECK(with("name=\"quoted\"").name == "quoted");
  CHECK(with("name=größe \\ \"x\"").name == "größe \\ \"x\"");
  CHECK(with("data.path=").data.path.empty());
  CHECK(with("training={\"epochs\":3}").training.epochs == 3);
}

TEST_CASE("messages show the beginning of what is long") {
  const std::string mega(1'000'000, 'x');
  CHECK_THAT(error_of_set(mega), Contains("KEY=VALUE"));
  CHECK_THAT(error_of_set(mega + "=1"), Contains("did you mean"));
  CHECK_THAT(error_of_set(std::string("training.") + mega + "=1"), Contains("/training/xxx"));
  CHECK_THAT(error_of_set(set_to("training.epochs") + mega), Contains("\"xxx"));
  CHECK_THAT(error_of_set(std::string("training.epochs.") + mega + "=" + mega),
             Contains("/training/epochs"));
  CHECK_THAT(error_of_set(set_to("model.preset") + mega), Contains("densenet121"));
  CHECK_THAT(error_of_set(set_to("memory.budget") + mega), Contains("4GiB"));
  CHECK_THAT(error_of_set(set_to("name") + mega), Contains("/name"));
  CHECK_THAT(error_of_set(set_to("model") + list("1", 1'000'000)), Contains("must be an object"));
  CHECK_THAT(error_of_set(set_to("model.blocks") + list("1.5", 1'000'000)),
             Contains("whole numbers"));
  CHECK_THAT(error_of_text(spec_text("\"a~/\x01\":1")), Contains("not valid JSON"));
  CHECK_THAT(error_of_text(spec_text(R"("a~/\u001b[2J":1)")), Contains(R"(/model/a~0~1\x1b[2J)"));
}

TEST_CASE("lists and depths have a limit") {
  CHECK(with(set_to("model.blocks") + list("80", 15)).model.densenet.blocks.size() == 15);
  CHECK(with("model.blocks=[1000,200]").model.densenet.blocks.front() == 1000);
  CHECK_THAT(error_of_set(set_to("model.blocks") + list("1", 16)), Contains("15 blocks at most"));
  CHECK_THAT(error_of_set(set_to("model.blocks") + list("1", 1'000'000)),
             Contains("15 blocks at most"));
  CHECK_THAT(error_of_set("model.blocks=[1000,201]"),
             Contains("1200 layers in all") && Contains("1201"));
  CHECK_THAT(error_of_set("model.blocks=[18446744073709551615]"), Contains("whole numbers"));
  const auto residual = [](const std::string& stages) {
    return spec_text(R"("type":"resnet","stages":)" + stages);
  };
  CHECK_NOTHROW(parse_run_spec(residual("[200,200,200]"), "s"));
  CHECK_THAT(error_of_text(residual("[200,200,201]")), Contains("600 blocks"));
  CHECK_THAT(error_of_text(residual(list("1", 9))), Contains("8 stages at most"));
  CHECK_THAT(error_of_set(set_to("data.mean") + list("0.5", 4097)),
             Contains("4096 numbers at most"));
  CHECK_THAT(error_of_set(set_to("data.std") + list("0.5", 1'000'000)), Contains("4096 numbers"));
  CHECK_THAT(error_of_text(spec_text(
                 "", "", R"("schedule":{"type":"step","milestones":)" + list("0.5", 1001) + "}")),
             Contains("1000 numbers at most"));
}

TEST_CASE("names that could lead out of a folder or into a terminal are refused") {
  for (const char* name : {"../up", "a/b", "a\tb", "\x1b[2J", "\x7f"}) {
    CHECK_THAT(error_of_set(std::string("name=") + name), Contains("/name"));
  }
  CHECK(with(set_to("name") + std::string(100, 'n')).name.size() == 100);
  CHECK_THAT(error_of_set(set_to("name") + std::string(101, 'n')), Contains("100 bytes"));
}

TEST_CASE("numbers at the edge of their types") {
  CHECK(with("training.optimizer.weight_decay=1e-400").training.optimizer.weight_decay == 0.0);
  CHECK(with("training.optimizer.weight_decay=5e-324").training.optimizer.weight_decay > 0.0);
  CHECK(with("data.train_limit=-0").data.train_limit == 0);
  CHECK(spec_fingerprint(with("training.optimizer.weight_decay=-0.0")) ==
        spec_fingerprint(with("training.optimizer.weight_decay=0")));
  for (const char* number : {"18446744073709551616", "18446744073709551615", "9223372036854775808",
                             "-9223372036854775809", "1.0", "1.5", "1e3", "-1", "true", "null"}) {
    INFO(number);
    CHECK_THAT(error_of_set(std::string("training.seed=") + number), Contains("whole number"));
    CHECK_THAT(error_of_set(std::string("model.blocks=[") + number + "]"),
               Contains("whole numbers"));
  }
  CHECK(with("training.seed=9223372036854775807").training.seed == 9223372036854775807U);
}

TEST_CASE("a resolved spec reads back as itself, whatever the numbers") {
  for (const char* extra :
       {"training.seed=9223372036854775807",
        "training.optimizer.learning_rate=5e-324",
        "training.optimizer.learning_rate=0.30000000000000004",
        "training.optimizer.weight_decay=2.2250738585072009e-308",
        "training.optimizer.momentum=0.99989999999999990",
        "model.dropout=-0.0",
        "data.image_size=16384",
        "data.mean=[1e-310,-0.0,0.1]",
        "data.std=[1e-6,1e6]",
        "memory.budget=1KiB",
        "memory.budget=1025B KiB",
        "memory.budget=1.9999KiB",
        "memory.budget=1.1GB",
        "memory.budget=8000000TB",
        "memory.budget=",
        R"(training.schedule={"type":"step","milestones":[]})",
        R"(training.schedule={"type":"one_cycle","div_factor":1.0000000000000002})",
        R"(training.optimizer={"type":"adam","epsilon":1e-16})",
        "name=größe \\ \"x\"",
        "model.preset=densenet_100_24",
        "model.expect_params=9223372036854775807"}) {
    INFO(extra);
    try {
      check_fixed_point(with(extra));
    } catch (const Error& error) {
      CHECK_THAT(extra, Contains("1025B"));  // the one that is no size
    }
  }
}

TEST_CASE("budgets are whole KiB, one at least") {
  CHECK(with("memory.budget=1.9999KiB").memory.budget_bytes == 1024);
  CHECK(with("memory.budget=1.5GB").memory.budget_bytes == 1'500'000'000 / 1024 * 1024);
  for (const char* size : {"0.5KiB", "1KB", "0KiB", "0.0000001GiB", "nanGiB", "infGiB", "-1GiB",
                           "1e300TiB", "1e-320TiB", "9000000000000000KiB"}) {
    INFO(size);
    CHECK_THAT(error_of_set(std::string("memory.budget=") + size), Contains("/memory/budget"));
  }
}

TEST_CASE("a spec is a regular file of a bearable size") {
  fs::create_directories("hostile_spec_files");
  const std::string pipe = "hostile_spec_files/pipe";
  fs::remove(pipe);
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::string& path : {pipe, std::string("hostile_spec_files"), std::string("/dev/zero"),
                                  std::string("no/such.json")}) {
    try {
      load_run_spec(path);
      FAIL("no error for " << path);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::io);
      CHECK_THAT(error.what(), Contains("cannot read " + path));
    }
  }
  const std::string large = "hostile_spec_files/large.json";
  std::ofstream(large).close();
  CHECK_THAT(refusal_of([&] { load_run_spec(large); }), Contains("not valid JSON"));
  fs::resize_file(large, std::uintmax_t{1} << 40);  // a hole
  CHECK_THAT(refusal_of([&] { load_run_spec(large); }), Contains("at most 16777216"));
  fs::remove(large);
}

TEST_CASE("whatever is done to a spec, it is refused or it reads back as itself") {
  const std::string original = resolved_spec(with("model.preset=d2l"));
  const std::string pieces[] = {"{",  "}",   "[",    "]",    ",",    ":",   "\"",  "-",
                                "1e", "\\u", "0000", "null", "true", "99.", "\xff"};
  const std::string numbers[] = {"0", "7", "12", "0.3", "1e-7", "4e3", "999999999"};
  std::uint64_t state = 1;
  const auto next = [&](std::size_t below) {
    state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX generator
    return static_cast<std::size_t>(state >> 33U) % below;
  };
  int accepted = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string text = original;
    for (std::size_t edits = 1 + next(2); edits > 0; --edits) {
      const std::size_t digit = text.find_first_of("0123456789", next(text.size()));
      if (digit != std::string::npos && next(4) > 0) {
        text.replace(digit, 1, numbers[next(std::size(numbers))]);
      } else {
        text.replace(next(text.size()), next(4), pieces[next(std::size(pieces))]);
      }
    }
    try {
      check_fixed_point(parse_run_spec(text, "s.json"));
      ++accepted;
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::spec);
    }
  }
  CHECK(accepted > 100);
  CHECK(accepted < 3900);
}

}  // namespace accrete::models
