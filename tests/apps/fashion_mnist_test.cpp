// SPDX-License-Identifier: Apache-2.0
// A few hundred real images: the loss must fall and the net must learn. Skipped (exit code 77)
// where Fashion-MNIST is not installed.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "support/catch.h"

namespace accrete::test {
namespace {

void skip_without_images() {
  const char* environment = std::getenv("ACCRETE_DATA");
  if (environment == nullptr && !std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    std::puts("skipped: Fashion-MNIST is not installed (package dataset-fashion-mnist)");
    std::exit(77);
  }
}

}  // namespace

TEST_CASE("a few hundred real images are learned") {
  skip_without_images();
  const std::string folder = fresh_folder("fashion");
  const CommandResult result = run_command(
      train(std::string(SPEC_FOLDER) +
            "/quickstart.json --set data.train_limit=640 --set data.test_limit=200 --set "
            "training.epochs=6 --set training.batch_size=32 --output " +
            folder + "/run"));
  INFO(result.output);
  REQUIRE(result.exit_code == 0);
  std::ifstream metrics(folder + "/run/metrics.jsonl");
  std::vector<nlohmann::json> epochs;
  for (std::string line; std::getline(metrics, line);) {
    epochs.push_back(nlohmann::json::parse(line));
  }
  REQUIRE(epochs.size() == 6);
  CHECK(epochs.back().at("train_loss") < 0.6 * epochs.front().at("train_loss").get<double>());
  CHECK(epochs.back().at("train_acc") > 0.75);
  CHECK(epochs.back().at("test_acc") > 0.65);
}

}  // namespace accrete::test
