// SPDX-License-Identifier: Apache-2.0
// The training loop of the train program on the CUDA backend, in the host executor: its input, its
// results, stopping and going on.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cuda/test_runtime.h"
#include "support/catch.h"
#include "training_run.h"

using namespace accrete;
using namespace accrete::apps;

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kSpec = R"({
  "model": {"blocks": [1, 1], "growth_rate": 4, "bottleneck_width": 2, "num_classes": 3,
            "stem": {"channels": 8, "kernel": 3, "stride": 1, "max_pool": false}},
  "data": {"dataset": "synthetic", "image_size": 8, "mean": [0.5, 0.5, 0.5],
           "augmentation": {"crop_padding": 1, "horizontal_flip": true},
           "synthetic": {"image_size": 6, "train_images": 22, "test_images": 7}},
  "training": {"epochs": 2, "batch_size": 6, "eval_batch_size": 4,
               "optimizer": {"momentum": 0.9, "learning_rate": 0.05}}
})";

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Runs in a folder of its own; returns the folder.
struct Runner {
  std::string folder;
  std::vector<models::SpecOverride> overrides;
  std::int64_t memory = 1 << 30;
  std::int64_t stop_after = 0;
  std::string resume;

  int run(const Device& device) const {
    fs::create_directories("training_loop_files");
    const std::string spec = "training_loop_files/spec.json";
    std::ofstream(spec) << kSpec;
    TrainOptions options;
    options.spec_path = spec;
    options.overrides = overrides;
    options.output = folder;
    options.quiet = true;
    options.stop_after_steps = stop_after;
    options.resume = resume;
    ThreadPool pool(1);
    const auto runtime = device.kind == DeviceKind::cpu ? make_cpu_runtime(pool)
                                                        : test::make_executor_runtime(memory);
    return run_training_loop(prepare_run(options, device), *runtime);
  }
};

Runner fresh(const std::string& name) {
  const std::string folder = "training_loop_files/" + name;
  fs::remove_all(folder);
  return {folder, {}, 1 << 30, 0, {}};
}

constexpr Device kGpu{DeviceKind::cuda, 0};

std::vector<Json> metrics(const Runner& runner) {
  std::vector<Json> lines;
  std::stringstream text(read(runner.folder + "/metrics.jsonl"));
  for (std::string line; std::getline(text, line);) {
    lines.push_back(Json::parse(line));
  }
  return lines;
}

void expect_metrics(const Runner& got, const Runner& expected, double relative) {
  const auto a = metrics(got);
  const auto b = metrics(expected);
  REQUIRE(a.size() == 2);
  REQUIRE(b.size() == 2);
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (const char* key : {"train_loss", "test_loss"}) {
      CHECK(a[i].at(key).get<double>() == Approx(b[i].at(key).get<double>()).epsilon(relative));
    }
  }
}

std::string last_checkpoint(const Runner& runner) {
  return read(runner.folder + "/checkpoints/step_0000000008.safetensors");
}

}  // namespace

TEST_CASE("a run on the CUDA backend has the losses of the CPU") {
  Runner cpu = fresh("cpu");
  Runner gpu = fresh("gpu");
  REQUIRE(cpu.run({}) == 0);
  REQUIRE(gpu.run(kGpu) == 0);
  expect_metrics(gpu, cpu, 1e-5);

  Runner streamed = fresh("streamed");
  streamed.memory = 400000;  // enough for the plan and not for the images
  REQUIRE(streamed.run(kGpu) == 0);
  CHECK(last_checkpoint(streamed) == last_checkpoint(gpu));

  Runner halves = fresh("halves");
  halves.stop_after = 3;
  REQUIRE(halves.run(kGpu) == 0);
  halves.stop_after = 0;
  halves.resume = "auto";
  REQUIRE(halves.run(kGpu) == 0);
  CHECK(last_checkpoint(halves) == last_checkpoint(gpu));
  CHECK(!last_checkpoint(gpu).empty());
}

TEST_CASE("residual nets have the losses of the CPU, with frozen statistics too") {
  for (const char* frozen : {"false", "true"}) {
    Runner cpu = fresh(std::string("resnet_cpu_") + frozen);
    cpu.overrides = {{"model", R"({"type": "resnet", "stages": [1, 1], "width": 6, "num_classes": 3,
                      "stem": {"channels": 6, "kernel": 3, "stride": 1, "max_pool": false}})"},
                     {"training.freeze_batch_norm_statistics", frozen}};
    Runner gpu = fresh(std::string("resnet_gpu_") + frozen);
    gpu.overrides = cpu.overrides;
    REQUIRE(cpu.run({}) == 0);
    REQUIRE(gpu.run(kGpu) == 0);
    expect_metrics(gpu, cpu, 1e-5);
  }
}

TEST_CASE("a run in bf16 stays near the one in fp32") {
  Runner cpu = fresh("fp32");
  Runner gpu = fresh("bf16");
  gpu.overrides = {{"training.precision", "bf16"}};
  REQUIRE(cpu.run({}) == 0);
  REQUIRE(gpu.run(kGpu) == 0);
  expect_metrics(gpu, cpu, 0.05);
}

// Every step multiplies the weights by a billion.
TEST_CASE("a diverged run stops with an error") {
  Runner gpu = fresh("diverged");
  gpu.overrides = {{"training.optimizer.learning_rate", "1e6"},
                   {"training.optimizer.weight_decay", "1e3"}};
  CHECK_THROWS_WITH(gpu.run(kGpu), Catch::Matchers::Contains("the loss became"));
}
