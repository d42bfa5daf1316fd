// SPDX-License-Identifier: Apache-2.0
// Everything a user can get wrong: one message, the documented exit code, nothing left behind.
#include <filesystem>
#include <fstream>

#include "apps/command.h"
#include "support/catch.h"

namespace accrete::test {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

// Runs train and checks that it failed with one line, the code, and no run folder.
std::string failure(const std::string& arguments, int exit_code, const std::string& output) {
  const CommandResult result = run_command(train(arguments + " -q --output " + output));
  INFO(result.output);
  CHECK(result.exit_code == exit_code);
  CHECK(std::count(result.output.begin(), result.output.end(), '\n') == 1);
  CHECK_FALSE(fs::exists(output));
  return result.output;
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("usage and spec errors exit with 2") {
  const std::string folder = fresh_folder("usage");
  const std::string spec = tiny_spec(folder);
  const std::string run = folder + "/run";
  CHECK(run_command(train(spec + " --no-such-flag")).exit_code == 2);
  CHECK(run_command(train("")).exit_code == 2);
  CHECK_THAT(failure(spec + " --set training.epoch=3", 2, run), Contains("did you mean 'epochs'"));
  CHECK_THAT(failure(spec + " --set training.epochs", 2, run), Contains("KEY=VALUE"));
  CHECK_THAT(failure(spec + " --set model.expect_params=7", 2, run),
             Contains("/model/expect_params is 7"));
  CHECK_THAT(failure(spec + " --set data.image_size=1", 2, run), Contains("too small"));
  CHECK_THAT(failure(spec + " --set data.mean=[0.5]", 2, run), Contains("/data/mean"));
  // Refused whatever is missing: the backend, the driver, or the hundredth GPU.
  CHECK_THAT(failure(spec + " --device cuda:99", 2, run),
             Contains("--device cuda:99: ") && Contains("; use --device cpu"));
  CHECK_THAT(failure(spec + " --device gpu", 2, run), Contains("cuda:N"));
  CHECK_THAT(failure(spec + " --disable-pass magic", 2, run), Contains("placement"));
}

TEST_CASE("a missing spec exits with 1") {
  CHECK_THAT(failure("no-such-spec.json", 1, fresh_folder("missing") + "/run"),
             Contains("no-such-spec.json"));
}

TEST_CASE("data errors exit with 3") {
  const std::string folder = fresh_folder("data");
  const std::string spec =
      tiny_spec(folder) +
      " --set data.dataset=fashion_mnist --set model.num_classes=10 --set data.path=" + folder;
  const std::string run = folder + "/run";
  CHECK_THAT(failure(spec, 3, run), Contains("Three ways"));
  for (const char* split : {"train", "t10k"}) {
    write(folder + "/" + split + "-images-idx3-ubyte.gz", "\x1f\x8b\x08 cut short");
    write(folder + "/" + split + "-labels-idx1-ubyte", "not an IDX file");
  }
  CHECK_THAT(failure(spec, 3, run), Contains("train-images-idx3-ubyte.gz"));
  write(folder + "/train-images-idx3-ubyte.gz", "also not an IDX file");
  CHECK_THAT(failure(spec, 3, run), Contains("magic number"));
}

TEST_CASE("an output folder that cannot be written exits with 1") {
  const std::string folder = fresh_folder("unwritable");
  write(folder + "/file", "in the way");
  const CommandResult result =
      run_command(train(tiny_spec(folder) + " -q --output " + folder + "/file/run"));
  CHECK(result.exit_code == 1);
  CHECK_THAT(result.output, Contains(folder + "/file/run") && Contains("--output"));
}

TEST_CASE("a loss that diverges exits with 5 and keeps the last good checkpoint") {
  const std::string folder = fresh_folder("diverged");
  const std::string spec = tiny_spec(folder);
  const CommandResult result = run_command(train(spec +
                                                 " -q --set training.optimizer.learning_rate=1e6 "
                                                 "--set training.schedule.type=constant "
                                                 "--set training.epochs=50 --output " +
                                                 folder + "/run"));
  INFO(result.output);
  CHECK(result.exit_code == 5);
  CHECK_THAT(result.output, Contains("the loss became") && Contains("learning_rate"));
  CHECK_FALSE(fs::exists(folder + "/run/model.safetensors"));
  for (const auto& entry : fs::directory_iterator(folder + "/run/checkpoints")) {
    CHECK(entry.path().extension() == ".safetensors");
  }
}

TEST_CASE("checkpoints are neither overwritten nor mixed up") {
  const std::string folder = fresh_folder("mixed");
  const std::string spec = tiny_spec(folder);
  const std::string run = " -q --output " + folder + "/run";
  REQUIRE(run_command(train(spec + run)).exit_code == 0);
  const CommandResult again = run_command(train(spec + run));
  CHECK(again.exit_code == 2);
  CHECK_THAT(again.output, Contains("--resume auto"));
  const CommandResult other =
      run_command(train(spec + run + " --resume auto --set training.seed=9"));
  CHECK(other.exit_code == 6);
  CHECK_THAT(other.output, Contains("another spec"));
  write(folder + "/bad.safetensors", "not a checkpoint at all");
  const CommandResult damaged = run_command(
      train(spec + " -q -o " + folder + "/new --resume " + folder + "/bad.safetensors"));
  CHECK(damaged.exit_code == 6);
}

TEST_CASE("help and version exit with 0") {
  const CommandResult help = run_command(train("--help"));
  CHECK(help.exit_code == 0);
  CHECK_THAT(help.output, Contains("Examples") && Contains("Exit codes"));
  const CommandResult version = run_command(train("--version"));
  CHECK(version.exit_code == 0);
  CHECK_THAT(version.output, Contains("accrete "));
}

}  // namespace accrete::test
