// SPDX-License-Identifier: Apache-2.0
// Whose a run folder is, and what is in it: two runs that want one, results that are there already,
// files that are not the run's, names that cannot be.
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "apps/command.h"
#include "support/catch.h"
#include "support/files.h"

namespace accrete::test {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

std::string quiet_run(const std::string& folder, const std::string& flags = "") {
  return train(tiny_spec(folder) + " -q --output " + folder + "/run " + flags);
}

CommandResult good(const std::string& command) {
  CommandResult result = run_command(command);
  INFO(command << "\n" << result.output);
  REQUIRE(result.exit_code == 0);
  return result;
}

CommandResult refused(const std::string& command, int exit_code = 2) {
  CommandResult result = run_command(command);
  INFO(command << "\n" << result.output);
  REQUIRE(result.exit_code == exit_code);
  return result;
}

// Every file below a folder.
std::set<std::string> files_of(const std::string& folder) {
  std::set<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_directory()) {
      files.insert(entry.path().lexically_relative(folder).string());
    }
  }
  return files;
}

const std::set<std::string> kWhole = {"build.json",
                                      "checkpoints/step_0000000005.safetensors",
                                      "checkpoints/step_0000000010.safetensors",
                                      "config.json",
                                      "metrics.jsonl",
                                      "model.safetensors",
                                      "timing.jsonl"};

}  // namespace

TEST_CASE("runs of one name that are started together have folders of their own") {
  const std::string folder = fresh_folder("together");
  const std::string run = train(fs::absolute(tiny_spec(folder)).string() + " -q --threads 1");
  good("cd " + folder + " && { " + run + " & " + run + " & " + run +
       " & } && wait && test $(ls runs | wc -l) -eq 3");
  for (const auto& entry : fs::directory_iterator(folder + "/runs")) {
    CHECK(files_of(entry.path().string()) == kWhole);
  }
}

TEST_CASE("a folder with results is refused until it is to be overwritten") {
  const std::string folder = fresh_folder("results");
  const std::string run = folder + "/run";
  good(quiet_run(folder));
  const std::string model = content_of(run + "/model.safetensors");
  for (const char* gone : {"", "/checkpoints/step_0000000005.safetensors", "/checkpoints",
                           "/metrics.jsonl", "/config.json"}) {
    INFO(gone);
    if (*gone != '\0') {
      fs::remove_all(run + gone);
    }
    const auto left = files_of(run);
    CHECK_THAT(refused(quiet_run(folder)).output,
               Contains(run + " holds the results of an earlier run") && Contains("--overwrite"));
    CHECK(files_of(run) == left);
    CHECK(content_of(run + "/model.safetensors") == model);
  }
  // Final weights alone are results, too, and cannot be gone on from.
  CHECK_THAT(refused(quiet_run(folder, "--resume auto")).output, Contains("holds the results"));
  write_plain(run + "/notes.txt", "mine");
  good(quiet_run(folder, "--overwrite --set training.epochs=1"));
  CHECK(files_of(run) == std::set<std::string>{
                             "build.json", "checkpoints/step_0000000005.safetensors", "config.json",
                             "metrics.jsonl", "model.safetensors", "notes.txt", "timing.jsonl"});
  CHECK(content_of(run + "/model.safetensors") != model);
}

TEST_CASE("a run that diverged has no epochs in common with the next one there") {
  const std::string folder = fresh_folder("next");
  const std::string diverging =
      " --set checkpoint.every_epochs=0 --set training.epochs=9 --set "
      "training.schedule.type=constant"
      " --set training.optimizer.learning_rate=1e6 --set training.optimizer.weight_decay=0";
  const std::string run = folder + "/run";
  // The first epochs are finite; a checkpoint was never saved.
  refused(quiet_run(folder, diverging + " --set data.synthetic.train_images=48"), 5);
  const std::string line = R"({"epoch":1,"step":3,"learning_rate":1.0,"train_loss":2.0,)"
                           R"("train_acc":0.5,"test_loss":2.0,"test_acc":0.5})";
  write_plain(run + "/metrics.jsonl", line + "\n");
  CHECK_THAT(refused(quiet_run(folder)).output, Contains("holds the results"));
  good(quiet_run(folder, "--resume auto"));  // without a checkpoint: from the beginning
  CHECK(files_of(run) == kWhole);
  good(train(tiny_spec(folder) + " -q --output " + folder + "/fresh"));
  CHECK(same_content(run + "/metrics.jsonl", folder + "/fresh/metrics.jsonl"));
}

TEST_CASE("a folder that was made before is as good as a new one") {
  const std::string folder = fresh_folder("prepared");
  fs::create_directories(folder + "/run/checkpoints");
  write_plain(folder + "/run/notes.txt", "mine");
  good(quiet_run(folder));
  auto expected = kWhole;
  expected.insert("notes.txt");
  CHECK(files_of(folder + "/run") == expected);
}

TEST_CASE("a stale lock is taken over, whatever it says; one of another kind is refused") {
  const std::string folder = fresh_folder("locks");
  fs::create_directories(folder + "/run");
  const std::string lock = folder + "/run/run.lock";
  for (const std::string text :
       {"", "{}", R"({"pid":1,"host":"elsewhere","started":"1970"})", "\x1b[2J not JSON"}) {
    write_plain(lock, text);
    good(quiet_run(folder, "--overwrite"));
    CHECK(files_of(folder + "/run") == kWhole);
  }
  write_plain(folder + "/precious", "precious");
  fs::create_symlink("../precious", lock);
  CHECK_THAT(refused(quiet_run(folder, "--overwrite"), 1).output, Contains("cannot write the run"));
  CHECK(content_of(folder + "/precious") == "precious");
  fs::remove(lock);
  fs::create_directory(lock);
  CHECK_THAT(refused(quiet_run(folder, "--overwrite"), 1).output, Contains("cannot write the run"));
}

TEST_CASE("a second run in a folder is told whose it is, before it reads any data") {
  const std::string folder = fresh_folder("second");
  const std::string first = quiet_run(folder, "--set training.epochs=1000000");
  const CommandResult result = run_command(
      "{ " + first + " & pid=$!; until test -s " + folder +
      "/run/metrics.jsonl; do sleep 0.01; "
      "done; " +
      quiet_run(folder,
                "--resume auto --set data.dataset=fashion_mnist --set "
                "data.path=/nowhere --set model.num_classes=10") +
      "; echo code $?; cat " + folder + "/run/run.lock; kill -KILL $pid; echo first $pid; }");
  INFO(result.output);
  const std::string pid = result.line(-1).substr(6);
  CHECK_THAT(result.output, Contains("is in use by process " + pid + " on \"") &&
                                Contains(", started \"20") && Contains("code 2"));
  CHECK_THAT(result.output, Contains("{\"pid\":" + pid + ","));
}

TEST_CASE("whatever the file of a lock that is held says, one line tells that it is held") {
  const std::string folder = fresh_folder("held");
  fs::create_directories(folder + "/run");
  const std::string lock = folder + "/run/run.lock";
  for (const auto& [text, holder] :
       {std::pair{"", "another process"}, std::pair{"[1]", "another process"},
        std::pair{"3", "another process"}, std::pair{"{", "another process"},
        std::pair{"{}", "process \"?\" on \"?\", started \"?\""},
        std::pair{R"({"pid":[{}],"host":"a\u001bb"})", "process [{}] on \"a"}}) {
    write_plain(lock, text);
    const CommandResult result =
        run_command("flock " + lock + " sh -c '" + quiet_run(folder) + "; echo code $?'");
    INFO(text << "\n" << result.output);
    CHECK_THAT(result.output, Contains("is in use by " + std::string(holder)));
    CHECK_THAT(result.output, Contains("code 2"));
    CHECK(std::count(result.output.begin(), result.output.end(), '\n') <= 3);
    CHECK(result.output.find('\x1b') == std::string::npos);
  }
}

TEST_CASE("temporary files of a killed run are removed, and links in their place not followed") {
  const std::string folder = fresh_folder("temporaries");
  const std::string run = folder + "/run";
  good(quiet_run(folder, "--stop-after 3"));
  write_plain(folder + "/precious", "precious");
  for (const char* name :
       {"config.json", "build.json", "metrics.jsonl", "timing.jsonl", "model.safetensors",
        "checkpoints/best.safetensors", "checkpoints/step_0000000005.safetensors"}) {
    fs::create_symlink(fs::absolute(folder + "/precious"), run + "/" + name + ".tmp");
  }
  write_plain(run + "/checkpoints/step_0000000999.safetensors.tmp", "half");
  write_plain(run + "/checkpoints/notes.tmp", "mine");
  good(quiet_run(folder, "--resume auto"));
  auto expected = kWhole;
  expected.insert("checkpoints/notes.tmp");
  CHECK(files_of(run) == expected);
  CHECK(content_of(folder + "/precious") == "precious");
}

TEST_CASE("files keep their bytes where writing fails") {
  const std::string folder = fresh_folder("no_space");
  const std::string run = folder + "/run";
  good(quiet_run(folder, "--stop-after 7"));
  std::set<std::string> before = files_of(run);
  std::string content;
  for (const std::string& file : before) {
    content += content_of(run + "/" + file);
  }
  for (const char* change : {"", "--set name=other", "--set checkpoint.keep=7"}) {
    const CommandResult result =
        refused("(trap '' XFSZ; ulimit -f 0; " +
                    quiet_run(folder, std::string("--resume auto ") + change) + ")",
                1);
    CHECK_THAT(result.output, Contains("File too large"));
    CHECK(files_of(run) == before);
    std::string after;
    for (const std::string& file : before) {
      after += content_of(run + "/" + file);
    }
    CHECK(after == content);
  }
}

TEST_CASE("names stay below runs/ and off the terminal's controls") {
  const std::string folder = fresh_folder("names");
  const std::string spec = fs::absolute(tiny_spec(folder)).string();
  const std::string in_folder = "cd " + folder + " && ";
  for (const char* name : {"..", ".", "-n", "a b", "\"", "d\xc3\xa9j\xc3\xa0"}) {
    good(in_folder + train(spec + " -q --set training.epochs=1 --set 'name=" + name + "'"));
  }
  CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 2);
  CHECK(std::distance(fs::directory_iterator(folder + "/runs"), fs::directory_iterator()) == 6);
  for (const char* name : {"../up", "/tmp/x", "a\\nb", "a\\033[2J", "a\\302\\233b", "\\177"}) {
    refused(in_folder + train(spec + " --set name=\"$(printf 'x" + name + "')\""));
    if (name[0] != '.' && name[0] != '/') {
      refused(in_folder + train(spec + " --output \"$(printf 'x" + name + "y')\""));
    }
  }
  CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 2);
}

TEST_CASE("a folder that only an error has seen is not there afterwards") {
  const std::string folder = fresh_folder("unused");
  good(train(tiny_spec(folder) + " -q --output " + folder + "/other"));
  refused(quiet_run(folder, "--set training.seed=7 --resume " + folder +
                                "/other/checkpoints/step_0000000005.safetensors"),
          6);
  refused(quiet_run(folder, "--weights " + folder + "/none.safetensors"), 1);
  CHECK_FALSE(fs::exists(folder + "/run"));
}

}  // namespace accrete::test
