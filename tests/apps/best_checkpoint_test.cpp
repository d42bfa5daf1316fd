// SPDX-License-Identifier: Apache-2.0
// The checkpoint of the best epoch, by each metric, across a stop and a kill.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "accrete/engine/checkpoint.h"
#include "apps/command.h"
#include "metrics.h"
#include "support/catch.h"

namespace accrete::test {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using nlohmann::json;

std::string run(const std::string& folder, const std::string& flags) {
  const CommandResult result = run_command(
      train(tiny_spec(folder) + " --set training.epochs=9 --output " + folder + "/run " + flags));
  INFO(result.output);
  REQUIRE(result.exit_code == 0);
  return result.output;
}

// The best epoch as the lines of metrics have it.
int best_line(const std::string& folder, const std::string& metric) {
  std::ifstream lines(folder + "/run/metrics.jsonl");
  int best = 0;
  double value = 0.0;
  for (std::string line; std::getline(lines, line);) {
    const json epoch = json::parse(line);
    const double found = epoch.at(metric);
    const bool loss = metric.find("loss") != std::string::npos;
    if (best == 0 || (loss ? found < value : found > value)) {
      best = epoch.at("epoch");
      value = found;
    }
  }
  return best;
}

std::string best_path(const std::string& folder) {
  return folder + "/run/checkpoints/best.safetensors";
}

}  // namespace

TEST_CASE("the best epoch is the first with the lowest loss or the highest accuracy") {
  using models::Metric;
  BestEpoch best;
  CHECK_FALSE(apps::take_if_best(Metric::none, {1, 10, 0.1, 2.0, 0.5, 3.0, 0.25}, best));
  CHECK(best.epoch == 0);
  for (const auto& [metric, name, first] : {std::tuple{Metric::train_loss, "train_loss", 2.0},
                                            std::tuple{Metric::train_acc, "train_acc", 0.5},
                                            std::tuple{Metric::test_loss, "test_loss", 3.0},
                                            std::tuple{Metric::test_acc, "test_acc", 0.25}}) {
    best = {};
    apps::EpochMetrics now{1, 10, 0.1, 2.0, 0.5, 3.0, 0.25};
    CHECK(apps::take_if_best(metric, now, best));
    CHECK(best.metric == name);
    CHECK(best.value == first);
    now.epoch = 2;
    CHECK_FALSE(apps::take_if_best(metric, now, best));  // as good
    now = {3, 30, 0.1, 2.1, 0.4, 3.1, 0.2};
    CHECK_FALSE(apps::take_if_best(metric, now, best));
    CHECK(best.epoch == 1);
    now = {4, 40, 0.1, 1.9, 0.6, 2.9, 0.3};
    CHECK(apps::take_if_best(metric, now, best));
    CHECK(best.epoch == 4);
  }
}

TEST_CASE("the best epoch is kept beside the newest, however rarely a run saves") {
  for (const std::string metric : {"train_loss", "train_acc", "test_loss", "test_acc"}) {
    for (const std::string every : {"0", "1", "4"}) {
      const std::string folder = fresh_folder("best");
      const std::string output =
          run(folder, "--set checkpoint.keep=0 --set checkpoint.every_epochs=" + every +
                          " --set checkpoint.best=" + metric);
      const TrainingProgress best = Checkpoint(best_path(folder)).progress();
      INFO(metric << " every " << every << "\n" << output);
      CHECK(best.epoch == best_line(folder, metric));
      CHECK(best.best.epoch == best.epoch);
      CHECK(best.best.metric == metric);
      CHECK_THAT(output, Contains("best " + metric + " ") &&
                             Contains(" in epoch " + std::to_string(best.epoch) + ": " +
                                      best_path(folder)));
      const bool only_newest = best.epoch == 9;
      CHECK(fs::exists(folder + "/run/checkpoints/step_0000000045.safetensors"));
      CHECK(std::distance(fs::directory_iterator(folder + "/run/checkpoints"),
                          fs::directory_iterator()) == 2);
      CHECK(fs::equivalent(best_path(folder),
                           folder + "/run/checkpoints/step_0000000045.safetensors") == only_newest);
    }
  }
}

TEST_CASE(
    "stopping changes nothing about the best epoch, and what a kill left out is made up for") {
  const std::string whole = fresh_folder("best_whole");
  const std::string flags = "-q --set checkpoint.best=test_acc ";
  run(whole, flags);
  const std::string parts = fresh_folder("best_parts");
  for (const char* steps : {"3", "7", "10", "11"}) {
    run(parts, flags + "--resume auto --stop-after " + steps);
  }
  run(parts, flags + "--resume auto");
  CHECK(same_content(best_path(whole), best_path(parts)));

  // Killed behind the checkpoint of the best epoch, before it had its second name.
  const std::string killed = fresh_folder("best_killed");
  run(killed, flags + "--set checkpoint.keep=9");
  const std::int64_t best_epoch = Checkpoint(best_path(killed)).progress().epoch;
  fs::remove(best_path(killed));
  for (std::int64_t epoch = best_epoch + 1; epoch <= 9; ++epoch) {
    fs::remove(CheckpointFolder(killed + "/run/checkpoints").path_for({epoch, 0, 5 * epoch}));
  }
  run(killed, flags + "--set checkpoint.keep=9 --resume auto");
  CHECK(same_content(best_path(whole), best_path(killed)));
}

TEST_CASE("the best is gone on from when all others are damaged or gone") {
  const std::string whole = fresh_folder("best_left_whole");
  const std::string folder = fresh_folder("best_left");
  // The best is another name of no other file.
  const std::string usual = "--set checkpoint.best=train_loss --set checkpoint.keep=0 ";
  run(whole, "-q " + usual);
  for (const bool damaged : {true, false}) {
    fs::remove_all(folder + "/run");
    run(folder, "-q " + usual + "--stop-after 33");
    for (const CheckpointFolder::Entry& entry :
         CheckpointFolder(folder + "/run/checkpoints").entries()) {
      if (damaged) {
        fs::resize_file(entry.path, 1000);
      } else {
        fs::remove(entry.path);
      }
    }
    CHECK_THAT(run(folder, usual + "--resume auto"),
               Contains("going on from " + best_path(folder)));
    CHECK(same_content(whole + "/run/model.safetensors", folder + "/run/model.safetensors"));
    CHECK(same_content(whole + "/run/metrics.jsonl", folder + "/run/metrics.jsonl"));
  }
}

TEST_CASE("another metric has its best from where it is asked for") {
  const std::string folder = fresh_folder("best_other");
  run(folder, "-q --set checkpoint.best=train_loss --stop-after 20");
  run(folder, "-q --set checkpoint.best=test_loss --resume auto --stop-after 10");
  const TrainingProgress best = Checkpoint(best_path(folder)).progress();
  CHECK(best.best.metric == "test_loss");
  CHECK(best.best.epoch >= 5);
  // The best of a run can be gone on from in a folder of its own.
  const std::string other = fresh_folder("best_resumed");
  run(other, "-q --resume " + best_path(folder));
}

}  // namespace accrete::test
