// SPDX-License-Identifier: Apache-2.0
// The train program from outside: what it prints, what it leaves, and that stopping and going on
// changes nothing.
#include <cmath>
#include <filesystem>
#include <regex>

#include "accrete/engine/safetensors.h"
#include "apps/command.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/files.h"

namespace accrete::test {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

constexpr const char* kLastCheckpoint = "/checkpoints/step_0000000010.safetensors";

// Starts a run, sends it a signal once it has written a checkpoint, prints "code <exit code>".
std::string signalled(const std::string& command, const std::string& run_folder,
                      const std::string& signal) {
  return "{ " + with_default_signals(command) + " & pid=$!; until ls " + run_folder +
         "/checkpoints/*.safetensors >/dev/null 2>&1; do sleep 0.01; done; kill -" + signal +
         " $pid; wait $pid; echo code $?; }";
}

bool same_run(const std::string& a, const std::string& b) {
  return same_content(a + kLastCheckpoint, b + kLastCheckpoint) &&
         same_content(a + "/model.safetensors", b + "/model.safetensors");
}

void require_trained(const std::string& arguments) {
  const CommandResult result = run_command(train(arguments));
  INFO(result.output);
  REQUIRE(result.exit_code == 0);
}

}  // namespace

TEST_CASE("a run ends with the two lines and leaves a complete folder") {
  const std::string folder = fresh_folder("complete");
  const CommandResult result =
      run_command(train(tiny_spec(folder) + " --output " + folder + "/run"));
  INFO(result.output);
  REQUIRE(result.exit_code == 0);
  CHECK(std::regex_match(result.line(-2),
                         std::regex(R"(loss \d\.\d{3}, train acc \d\.\d{3}, test acc \d\.\d{3})")));
  CHECK(std::regex_match(result.line(-1), std::regex(R"(\d+\.\d examples/sec on cpu)")));
  CHECK_THAT(result.output, Contains("bytes copied by concat: 0"));
  CHECK_THAT(result.output, Contains("run folder: " + folder + "/run"));
  const std::regex memory(R"(peak memory (\S+) MiB \(planned (\S+) MiB\))");
  std::smatch match;
  REQUIRE(std::regex_search(result.output, match, memory));
  CHECK(match[1] == match[2]);
  for (const char* file :
       {"/config.json", "/build.json", "/metrics.jsonl", "/model.safetensors", kLastCheckpoint}) {
    INFO(file);
    CHECK(fs::exists(folder + "/run" + file));
  }
  const std::string metrics = content_of(folder + "/run/metrics.jsonl");
  CHECK(std::count(metrics.begin(), metrics.end(), '\n') == 2);
}

TEST_CASE("output that is no terminal has no control characters, and quiet is quiet") {
  const std::string folder = fresh_folder("plain");
  const std::string spec = tiny_spec(folder);
  const CommandResult plain = run_command(train(spec + " -o " + folder + "/a"));
  CHECK(plain.output.find('\r') == std::string::npos);
  CHECK(plain.output.find('\033') == std::string::npos);
  const CommandResult quiet = run_command(train(spec + " -q -o " + folder + "/b"));
  CHECK(std::count(quiet.output.begin(), quiet.output.end(), '\n') == 2);
}

TEST_CASE("options may stand before the spec and be repeated") {
  const std::string folder = fresh_folder("order");
  const CommandResult result =
      run_command(train("--set training.epochs=1 --set name=first --disable-pass in-place " +
                        tiny_spec(folder) + " -o " + folder + "/run"));
  INFO(result.output);
  CHECK(result.exit_code == 0);
  CHECK_THAT(result.output, Contains("first: ") && Contains("1/1"));
}

TEST_CASE("equal seeds give equal bytes, for one thread and for two") {
  const std::string folder = fresh_folder("threads");
  const std::string spec = tiny_spec(folder);
  require_trained(spec + " -q --threads 1 -o " + folder + "/one");
  require_trained(spec + " -q --threads 2 -o " + folder + "/two");
  require_trained(spec + " -q --threads 3 -o " + folder + "/three");
  CHECK(same_run(folder + "/one", folder + "/two"));
  CHECK(same_run(folder + "/one", folder + "/three"));
  require_trained(spec + " -q --set training.seed=4 -o " + folder + "/other");
  CHECK_FALSE(same_run(folder + "/one", folder + "/other"));
}

TEST_CASE("a run stopped anywhere goes on to the same bytes") {
  const std::string folder = fresh_folder("resume");
  const std::string spec = tiny_spec(folder);
  require_trained(spec + " -q -o " + folder + "/whole");
  for (const char* steps : {"3", "5", "7"}) {
    const std::string parts = folder + "/parts" + steps;
    const CommandResult first =
        run_command(train(spec + " -o " + parts + " --stop-after " + steps));
    INFO(first.output);
    REQUIRE(first.exit_code == 0);
    CHECK_THAT(first.output, Contains("state saved") && Contains("--resume auto"));
    CHECK_FALSE(fs::exists(parts + "/model.safetensors"));
    const CommandResult second = run_command(train(spec + " -o " + parts + " --resume auto"));
    INFO(second.output);
    REQUIRE(second.exit_code == 0);
    CHECK(same_run(folder + "/whole", parts));
    const std::string metrics = content_of(parts + "/metrics.jsonl");
    CHECK(std::count(metrics.begin(), metrics.end(), '\n') == 2);
  }
}

TEST_CASE("a run in bf16 stays near fp32 and goes on to the same bytes") {
  const std::string folder = fresh_folder("bf16");
  const std::string spec = tiny_spec(folder);
  const std::string narrow = spec + " --set training.precision=bf16";
  const auto loss = [](const std::string& run) {
    const std::string metrics = content_of(run + "/metrics.jsonl");
    std::smatch match;
    REQUIRE(std::regex_search(metrics, match, std::regex(R"("test_loss":([0-9.]+))")));
    return std::stod(match[1]);
  };
  require_trained(spec + " -q -o " + folder + "/fp32");
  require_trained(narrow + " -q --threads 1 -o " + folder + "/whole");
  require_trained(narrow + " -q --threads 2 -o " + folder + "/two");
  CHECK(same_run(folder + "/whole", folder + "/two"));
  CHECK_FALSE(same_run(folder + "/whole", folder + "/fp32"));
  CHECK(loss(folder + "/whole") == Approx(loss(folder + "/fp32")).epsilon(0.03));
  const std::string parts = narrow + " -q -o " + folder + "/parts";
  require_trained(parts + " --stop-after 7");
  require_trained(parts + " --resume auto");
  CHECK(same_run(folder + "/whole", folder + "/parts"));
}

TEST_CASE("a run with a constant rate can be extended") {
  const std::string folder = fresh_folder("extended");
  const std::string spec = tiny_spec(folder) + " -q --set training.schedule.type=constant ";
  require_trained(spec + "-o " + folder + "/whole");
  require_trained(spec + "--set training.epochs=1 -o " + folder + "/run");
  require_trained(spec + "--resume auto -o " + folder + "/run");
  CHECK(same_run(folder + "/whole", folder + "/run"));
}

TEST_CASE("resuming a finished run repeats its last lines") {
  const std::string folder = fresh_folder("finished");
  const std::string spec = tiny_spec(folder);
  const CommandResult first = run_command(train(spec + " -q -o " + folder + "/run"));
  const CommandResult again = run_command(train(spec + " -q --resume auto -o " + folder + "/run"));
  CHECK(again.exit_code == 0);
  CHECK(again.line(-2) == first.line(-2));
}

TEST_CASE("a signal saves the state, a kill loses only what was not saved") {
  const std::string folder = fresh_folder("signals");
  const std::string run =
      train(tiny_spec(folder) + " --set training.epochs=60 --set checkpoint.keep=3 -o " + folder);
  for (const auto& [signal, code] :
       {std::pair{"TERM", "143"}, std::pair{"INT", "130"}, std::pair{"KILL", "137"}}) {
    const std::string part = std::string("/") + signal;
    const CommandResult result = run_command(signalled(run + part, folder + part, signal));
    INFO(result.output);
    CHECK_THAT(result.output, Contains(std::string("code ") + code));
    if (std::string(signal) != "KILL") {
      CHECK_THAT(result.output, Contains("state saved"));
    }
    CHECK_FALSE(fs::exists(folder + part + "/model.safetensors"));
  }
  // Each goes on to the end and must have the weights of a run that was never stopped.
  REQUIRE(run_command(run + "/whole -q").exit_code == 0);
  for (const char* part : {"/TERM", "/INT", "/KILL"}) {
    INFO(part);
    REQUIRE(run_command(run + part + " -q --resume auto").exit_code == 0);
    CHECK(same_content(folder + "/whole/model.safetensors", folder + part + "/model.safetensors"));
    CHECK(same_content(folder + "/whole/checkpoints/step_0000000300.safetensors",
                       folder + part + "/checkpoints/step_0000000300.safetensors"));
  }
}

TEST_CASE("passes change the speed, not what is learned") {
  const std::string folder = fresh_folder("passes");
  const std::string spec = tiny_spec(folder);
  require_trained(spec + " -q -o " + folder + "/all");
  require_trained(spec + " -q --disable-pass placement --disable-pass in-place -o " + folder +
                  "/copying");
  CHECK(same_run(folder + "/all", folder + "/copying"));
}

TEST_CASE("recomputing changes the memory, not what is learned") {
  const std::string folder = fresh_folder("recompute");
  const std::string spec = tiny_spec(folder);
  require_trained(spec + " -q -o " + folder + "/0");
  for (const std::string level : {"1", "2"}) {
    INFO(level);
    const std::string run = folder + "/" + level;
    require_trained(spec + " -q --set memory.recompute=" + level + " -o " + run);
    CHECK(same_content(folder + "/0/model.safetensors", run + "/model.safetensors"));
  }
}

TEST_CASE("frozen statistics are those of the weights a run starts with, stopped or not") {
  const std::string folder = fresh_folder("frozen");
  const std::string spec = tiny_spec(folder);
  require_trained(spec + " -q -o " + folder + "/first");
  const std::string weights = folder + "/first/model.safetensors";
  const std::string fine_tuning = spec + " --weights " + weights +
                                  " --set training.freeze_batch_norm_statistics=true -o " + folder;
  const CommandResult whole = run_command(train(fine_tuning + "/whole"));
  INFO(whole.output);
  REQUIRE(whole.exit_code == 0);
  CHECK_THAT(whole.output, Contains("starting with the weights of " + weights));
  require_trained(fine_tuning + "/parts --stop-after 3");
  require_trained(fine_tuning + "/parts --resume auto");
  CHECK(same_run(folder + "/whole", folder + "/parts"));
  const SafetensorsFile before = read_safetensors(weights);
  const SafetensorsFile after = read_safetensors(folder + "/whole/model.safetensors");
  REQUIRE(after.arrays.size() == before.arrays.size());
  for (std::size_t i = 0; i < after.arrays.size(); ++i) {
    const bool statistics = after.arrays[i].name.find(".running_") != std::string::npos;
    INFO(after.arrays[i].name);
    CHECK((exact_difference(after.arrays[i].values, before.arrays[i].values) == "") == statistics);
  }
  const CommandResult resumed =
      run_command(train(spec + " --resume " + folder + "/first" + kLastCheckpoint + " -o " +
                        folder + "/other --set training.freeze_batch_norm_statistics=true"));
  CHECK(resumed.exit_code == 6);
  CHECK_THAT(resumed.output, Contains("another spec"));
}

TEST_CASE("weights of another model are refused") {
  const std::string folder = fresh_folder("weights");
  const std::string spec = tiny_spec(folder);
  require_trained(spec + " -q --set training.epochs=1 -o " + folder + "/first");
  const CommandResult result =
      run_command(train(spec + " --set model.growth_rate=5 -o " + folder + "/second --weights " +
                        folder + "/first/model.safetensors"));
  CHECK(result.exit_code == 6);
  CHECK_THAT(result.output, Contains("another shape"));
}

TEST_CASE("a residual net trains, stops and goes on, with and without passes") {
  const std::string folder = fresh_folder("resnet");
  const std::string spec =
      tiny_spec(folder) + " --set 'model={\"type\":\"resnet\",\"stages\":[1,1],\"width\":6," +
      "\"stem\":{\"channels\":6,\"kernel\":3,\"stride\":1,\"max_pool\":false}," +
      "\"num_classes\":10}' -o " + folder;
  const CommandResult whole = run_command(train(spec + "/whole"));
  INFO(whole.output);
  REQUIRE(whole.exit_code == 0);
  require_trained(spec + "/parts --stop-after 3");
  require_trained(spec + "/parts --resume auto");
  CHECK(same_run(folder + "/whole", folder + "/parts"));
  const CommandResult plain = run_command(train(spec + "/plain --no-fuse"));
  REQUIRE(plain.exit_code == 0);
  CHECK(plain.line(-2) == whole.line(-2));  // to three places
}

TEST_CASE("a profile names every kind of op and their shares") {
  const std::string folder = fresh_folder("profile");
  const CommandResult result =
      run_command(train(tiny_spec(folder) + " --profile -o " + folder + "/run"));
  INFO(result.output);
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.output, Contains("conv_forward") && Contains("conv_wgrad") &&
                                Contains("softmax_cross_entropy_backward"));
  const std::regex share(R"( (\d+\.\d)% )");
  double sum = 0.0;
  for (auto it = std::sregex_iterator(result.output.begin(), result.output.end(), share);
       it != std::sregex_iterator(); ++it) {
    sum += std::stod((*it)[1]);
  }
  CHECK(std::fabs(sum - 100.0) < 2.0);
}

}  // namespace accrete::test
