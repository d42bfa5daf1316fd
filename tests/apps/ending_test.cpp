// SPDX-License-Identifier: Apache-2.0
// How the programs end when numbers, memory, signals or their output go wrong.
#include <filesystem>
#include <tuple>

#include "apps/command.h"
#include "support/catch.h"
#include "support/files.h"
#include "support/sanitizers.h"

namespace accrete::test {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

// One training step an epoch, and so many test images that testing them one by one takes long.
std::string long_evaluation(const std::string& folder) {
  return train(tiny_spec(folder) +
               " --set data.synthetic.image_size=4 --set data.synthetic.channels=1"
               " --set data.synthetic.train_images=16 --set data.synthetic.test_images=400000"
               " --set training.epochs=1 --threads 1");
}

// Starts a run, waits for its folder and half a second, sends SIGTERM; prints "code <exit code>".
std::string terminated(const std::string& command, const std::string& run) {
  return "{ " + command + " & pid=$!; until test -s " + run +
         "/build.json; do sleep 0.01; done; sleep 0.5; kill -TERM $pid; wait $pid; echo code $?; }";
}

std::string within(int mebibytes, const std::string& command) {
  return "ulimit -v " + std::to_string(mebibytes * 1024) + "; " + command;
}

// The least address space, to 8 MiB (32 above 128), in which the program starts. Below it the
// dynamic linker ends it with words of its own: cuBLAS alone is some hundred MiB.
int least_to_start() {
  constexpr int kStep = 8;
  int mebibytes = kStep;
  while (run_command(within(mebibytes, train("--version"))).exit_code != 0) {
    REQUIRE(mebibytes < 16384);
    mebibytes += mebibytes < 128 ? kStep : 4 * kStep;
  }
  return mebibytes;
}

}  // namespace

TEST_CASE("weights and running statistics that overflow end a run whose losses are finite") {
  const std::string folder = fresh_folder("overflow");
  // Weight decay beyond all measure multiplies the weights by 2e7 in each step. Batch norm hides
  // that from the loss: first the variances are infinite, in the next step the weights are.
  const std::string run = train(tiny_spec(folder) +
                                " -q --set training.epochs=1 --set training.optimizer.momentum=0"
                                " --set training.optimizer.learning_rate=2e4"
                                " --set training.optimizer.weight_decay=1000"
                                " --set training.optimizer.weight_decay_scope=weights"
                                " --set training.schedule.type=constant");
  for (const auto& [images, tensor, step] :
       {std::tuple{"48", ".running_var", "3"}, std::tuple{"64", ".weight", "4"}}) {
    const std::string output = folder + "/" + images;
    const CommandResult result =
        run_command(run + " --set data.synthetic.train_images=" + images + " --output " + output);
    INFO(result.output);
    CHECK(result.exit_code == 5);
    CHECK_THAT(result.output, Contains(std::string(tensor) +
                                       " holds numbers that are NaN or infinite in epoch 1, "
                                       "behind step " +
                                       step) &&
                                  Contains("No checkpoint had been written yet"));
    CHECK(fs::is_empty(output + "/checkpoints"));
    CHECK_FALSE(fs::exists(output + "/metrics.jsonl"));
    CHECK_FALSE(fs::exists(output + "/model.safetensors"));
  }
}

TEST_CASE("a test loss that is none ends a run whose training losses are finite") {
  const std::string folder = fresh_folder("test_loss");
  const CommandResult result = run_command(
      train(tiny_spec(folder) +
            " -q --set data.synthetic.train_images=16 --set training.epochs=9"
            " --set training.optimizer.momentum=0 --set training.optimizer.learning_rate=1e6"
            " --set training.optimizer.weight_decay=1000 --set training.schedule.type=constant"
            " --output " +
            folder + "/run"));
  INFO(result.output);
  CHECK(result.exit_code == 5);
  CHECK_THAT(result.output, Contains("the loss of the test images is"));
  CHECK(fs::is_empty(folder + "/run/checkpoints"));
}

TEST_CASE("a signal ends the evaluation, and the run goes on from before it") {
  const std::string folder = fresh_folder("evaluation");
  const std::string command = long_evaluation(folder);
  const std::string one_by_one = " -q --set training.eval_batch_size=1 -o " + folder + "/run";
  const CommandResult stopped = run_command(terminated(command + one_by_one, folder + "/run"));
  INFO(stopped.output);
  CHECK_THAT(stopped.output, Contains("code 143"));
  CHECK_FALSE(fs::exists(folder + "/run/model.safetensors"));
  const std::string at_once = " -q --set training.eval_batch_size=10000 -o " + folder;
  REQUIRE(run_command(command + at_once + "/run --resume auto").exit_code == 0);
  REQUIRE(run_command(command + at_once + "/whole").exit_code == 0);
  CHECK(same_content(folder + "/run/model.safetensors", folder + "/whole/model.safetensors"));
  const std::string checkpoint = "/checkpoints/step_0000000001.safetensors";
  CHECK(same_content(folder + "/run" + checkpoint, folder + "/whole" + checkpoint));
}

TEST_CASE("output that cannot be written is a failure") {
  const std::string folder = fresh_folder("full");
  const std::string spec = tiny_spec(folder);
  for (const std::string& command :
       {inspect(spec), inspect("--errors"), inspect("--passes"), train(spec + " -o " + folder)}) {
    const CommandResult result = run_command("{ " + command + " >/dev/full; }");
    INFO(result.output);
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.output, Contains("cannot write standard output: No space left"));
  }
}

TEST_CASE("a run outlives the reader of its output, and says so at the end") {
  const std::string folder = fresh_folder("reader");
  const std::string run =
      train(tiny_spec(folder) + " --set training.epochs=30 -o " + folder + "/run");
  const CommandResult result =
      run_command("( { " + run + "; echo $? >" + folder + "/code; } | head -n 1 )");
  INFO(result.output);
  CHECK(content_of(folder + "/code") == "1\n");
  CHECK_THAT(result.output, Contains("train: cannot write standard output: Broken pipe"));
  CHECK(fs::exists(folder + "/run/model.safetensors"));
}

TEST_CASE("a signal that a run was started to ignore changes nothing") {
  const std::string folder = fresh_folder("ignored");
  const std::string spec = tiny_spec(folder);
  for (const std::string signal : {"HUP", "INT", "TERM", "USR1"}) {
    const std::string run = folder + "/" + signal;
    const CommandResult result = run_command(
        "{ (trap '' " + signal + "; exec " +
        train(spec + " -q --set training.epochs=60 -o " + run) + ") & until test -s " + run +
        "/metrics.jsonl; do sleep 0.01; done; kill -" + signal + " $!; wait $!; echo code $?; }");
    INFO(result.output);
    CHECK_THAT(result.output, Contains("code 0"));
    CHECK(fs::exists(run + "/model.safetensors"));
  }
}

TEST_CASE("a plan larger than the memory names the batches that fit, and leaves no folder") {
  const std::string folder = fresh_folder("memory");
  const std::string huge =
      " -q --set data.synthetic.train_images=4000"
      " --set data.synthetic.test_images=4000 --set data.image_size=2048"
      " --set training.batch_size=4000 --threads 1 -o " +
      folder + "/run";
  const CommandResult result = run_command(train(tiny_spec(folder) + huge));
  INFO(result.output);
  CHECK(result.exit_code == 4);
  CHECK_THAT(result.output, Contains("the plan needs") && Contains("batches on their way") &&
                                Contains("the largest batch that fits"));
  CHECK_FALSE(fs::exists(folder + "/run"));
}

TEST_CASE("whatever limit memory has, the programs end with one line") {
  if (kHasShadowMemory) {
    WARN("not tried: a sanitizer's shadow memory is above every limit");
    return;
  }
  const std::string folder = fresh_folder("limits");
  const int least = least_to_start();
  for (const int more : {0, 8, 20, 40, 60, 100, 160}) {
    INFO(least << " + " << more << " MiB");
    const std::string run = folder + "/" + std::to_string(more);
    const CommandResult trained =
        run_command(within(least + more, train(tiny_spec(folder) + " -q --threads 2 -o " + run)));
    INFO(trained.output);
    CHECK((trained.exit_code == 0 || trained.exit_code == 4));
    if (trained.exit_code == 4) {
      CHECK_THAT(trained.output, Contains("train: ") && !Contains("unexpected"));
    }
  }
}

}  // namespace accrete::test
