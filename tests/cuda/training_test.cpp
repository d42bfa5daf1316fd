// SPDX-License-Identifier: Apache-2.0
// A whole DenseNet trains on the CUDA backend as it does on the CPU.
#include <cmath>
#include <vector>

#include "cuda/test_runtime.h"
#include "engine/tiny_models.h"
#include "support/catch.h"
#include "support/compare.h"

using namespace accrete;
using namespace accrete::test;

namespace {

constexpr std::int64_t kBatch = 6;
constexpr std::int64_t kSteps = 5;

OptimizerOptions momentum_sgd() {
  OptimizerOptions optimizer;
  optimizer.momentum = 0.9;
  optimizer.weight_decay = 1e-4;
  return optimizer;
}

struct Training {
  std::vector<float> losses;
  std::vector<float> correct;
  std::vector<float> stored;
};

Training train(TinySession& tiny) {
  Training result;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    const StepResult got = tiny.step(0.05, step);
    result.losses.push_back(static_cast<float>(got.loss));
    result.correct.push_back(static_cast<float>(got.correct));
  }
  result.stored = tiny.stored_values();
  return result;
}

Training train_on_cpu(const ModelBuilder& builder) {
  TinySession tiny(builder, kBatch, {}, 1, momentum_sgd());
  return train(tiny);
}

Training train_on_cuda(const ModelBuilder& builder) {
  TinySession tiny(builder, kBatch, {}, 1, momentum_sgd(), make_test_runtime());
  return train(tiny);
}

std::vector<double> widened(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

void expect_equal_training(const ModelBuilder& builder) {
  const Training cpu = train_on_cpu(builder);
  const Training cuda = train_on_cuda(builder);
  CHECK(difference(cuda.losses, widened(cpu.losses), {0.0, 1e-5}) == "");
  CHECK(cuda.correct == cpu.correct);
  CHECK(difference(cuda.stored, widened(cpu.stored), {2e-5, 1e-4}) == "");
  CHECK(cpu.losses.back() < cpu.losses.front());
}

}  // namespace

TEST_CASE("DenseNets train on the CUDA backend as on the CPU") {
  for (const bool bottleneck : {false, true}) {
    TinyDenseNet net;
    net.bottleneck = bottleneck;
    expect_equal_training(tiny_densenet(net));
  }
}

// Dropout draws new numbers every step, so such a step is never a replayed recording.
TEST_CASE("dropout has the mask of the CPU") {
  TinyDenseNet net;
  net.dropout = 0.2F;
  expect_equal_training(tiny_densenet(net));
}

TEST_CASE("a residual net trains on the CUDA backend as on the CPU") {
  expect_equal_training(
      [](std::int64_t batch, bool training) { return build_tiny_resnet(batch, training); });
}

TEST_CASE("runs on the CUDA backend repeat bit for bit") {
  const Training first = train_on_cuda(tiny_densenet({}));
  const Training second = train_on_cuda(tiny_densenet({}));
  CHECK(exact_difference(second.stored, first.stored).empty());
}

TEST_CASE("parameters written on the host reach the device") {
  TinySession tiny(tiny_densenet({}), kBatch, {}, 1, {}, make_test_runtime());
  const double before = tiny.loss(0);
  const StoredTensor* bias = tiny.session.parameters().find("classifier.bias");
  REQUIRE(bias != nullptr);
  bias->view.f32()[0] += 3.0F;
  CHECK(tiny.loss(1) == before);
  bias->view.f32()[0] += 3.0F;
  tiny.session.upload_parameters();
  CHECK(tiny.loss(2) != before);
}

TEST_CASE("a diverged step leaves the weights on the device alone") {
  TinySession tiny(tiny_densenet({}), kBatch, {}, 1, {}, make_test_runtime());
  const StoredTensor* bias = tiny.session.parameters().find("classifier.bias");
  bias->view.f32()[0] = NAN;
  tiny.session.upload_parameters();
  const std::vector<float> weight_before = [&] {
    const StoredTensor* weight = tiny.session.parameters().find("stem.weight");
    return std::vector<float>(weight->view.f32(), weight->view.f32() + weight->shape.elements());
  }();
  CHECK(!std::isfinite(tiny.step(0.1, 0).loss));
  const StoredTensor* weight = tiny.session.parameters().find("stem.weight");
  const std::vector<float> weight_after(weight->view.f32(),
                                        weight->view.f32() + weight->shape.elements());
  CHECK(weight_after == weight_before);
}
