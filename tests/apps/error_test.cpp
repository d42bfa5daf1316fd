// SPDX-License-Identifier: Apache-2.0
// What messages say beyond the text that errors_test looks for, and what a run leaves behind.
#include <algorithm>
#include <filesystem>

#include "apps/command.h"
#include "support/catch.h"
#include "support/files.h"

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

}  // namespace

TEST_CASE("messages name what is at fault and what there is instead") {
  const std::string folder = fresh_folder("usage");
  const std::string spec = tiny_spec(folder);
  const std::string run = folder + "/run";
  CHECK_THAT(failure(spec + " --set training.epoch=3", 2, run), Contains("did you mean 'epochs'"));
  CHECK_THAT(failure(spec + " --set data.mean=[0.5]", 2, run), Contains("/data/mean"));
  CHECK_THAT(failure(spec + " --disable-pass magic", 2, run), Contains("placement"));
  // Refused whatever is missing: the backend, the driver, or the hundredth GPU.
  CHECK_THAT(failure(spec + " --device cuda:99", 2, run), Contains("--device cuda:99: "));
  CHECK_THAT(failure("no-such-spec.json", 1, run), Contains("no-such-spec.json"));
}

TEST_CASE("messages on data name the file") {
  const std::string folder = fresh_folder("data");
  const std::string spec =
      tiny_spec(folder) +
      " --set data.dataset=fashion_mnist --set model.num_classes=10 --set data.path=" + folder;
  const std::string run = folder + "/run";
  for (const char* split : {"train", "t10k"}) {
    write_plain(folder + "/" + split + "-images-idx3-ubyte.gz", "\x1f\x8b\x08 cut short");
    write_plain(folder + "/" + split + "-labels-idx1-ubyte", "not an IDX file");
  }
  CHECK_THAT(failure(spec, 3, run), Contains("train-images-idx3-ubyte.gz"));
  write_plain(folder + "/train-images-idx3-ubyte.gz", "also not an IDX file");
  CHECK_THAT(failure(spec, 3, run), Contains("magic number"));
}

TEST_CASE("a loss that diverges exits with 5 and keeps the last good checkpoint") {
  const std::string folder = fresh_folder("diverged");
  const std::string spec = tiny_spec(folder);
  const CommandResult result =
      run_command(train(spec +
                        " -q --set training.optimizer.learning_rate=1e6 "
                        "--set training.schedule.type=constant "
                        "--set data.synthetic.train_images=3200 --output " +
                        folder + "/run"));
  INFO(result.output);
  CHECK(result.exit_code == 5);
  CHECK_THAT(result.output, Contains("the loss became") && Contains("learning_rate"));
  CHECK_FALSE(fs::exists(folder + "/run/model.safetensors"));
  for (const auto& entry : fs::directory_iterator(folder + "/run/checkpoints")) {
    CHECK(entry.path().extension() == ".safetensors");
  }
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
