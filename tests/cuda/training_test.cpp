// SPDX-License-Identifier: Apache-2.0
// A whole DenseNet trains on the CUDA backend as it does on the CPU.
#include <cmath>
#include <vector>

#include "accrete/kernels/elementwise.h"
#include "accrete/kernels/error.h"
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

// With running statistics that are neither those of the batch nor those of a new net.
Training train_frozen(const ModelBuilder& builder, std::unique_ptr<DeviceRuntime> device) {
  TinySession tiny(builder, kBatch, {}, 1, momentum_sgd(), std::move(device));
  tiny.randomise_running_statistics();
  const std::vector<float> before = tiny.running_statistics();
  Training result = train(tiny);
  CHECK(exact_difference(tiny.running_statistics(), before) == "");
  return result;
}

Training train_on_cpu(const ModelBuilder& builder) {
  TinySession tiny(builder, kBatch, {}, 1, momentum_sgd());
  return train(tiny);
}

Training train_on_cuda(const ModelBuilder& builder, FloatMath math = FloatMath::strict) {
  TinySession tiny(builder, kBatch, {}, 1, momentum_sgd(), make_test_runtime(), math);
  return train(tiny);
}

std::vector<double> widened(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

void expect_equal(const Training& cuda, const Training& cpu) {
  CHECK(difference(cuda.losses, widened(cpu.losses), {0.0, 1e-5}) == "");
  CHECK(cuda.correct == cpu.correct);
  CHECK(difference(cuda.stored, widened(cpu.stored), {2e-5, 1e-4}) == "");
  CHECK(cpu.losses.back() < cpu.losses.front());
}

void expect_equal_training(const ModelBuilder& builder) {
  expect_equal(train_on_cuda(builder), train_on_cpu(builder));
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
  expect_equal_training(build_tiny_resnet);
  expect_equal_training(build_tiny_basic_blocks);
}

TEST_CASE("nets with frozen statistics train on the CUDA backend as on the CPU") {
  TinyDenseNet net;
  net.frozen = true;
  net.bottleneck = true;
  for (const ModelBuilder& builder : {tiny_densenet(net), ModelBuilder(build_frozen_tiny_resnet),
                                      ModelBuilder(build_frozen_tiny_basic_blocks)}) {
    expect_equal(train_frozen(builder, make_test_runtime()), train_frozen(builder, nullptr));
  }
}

// |a - b| / |b - start|: how far two trainings are apart, in units of what one has learned.
double relative_distance(const Training& a, const Training& b, const std::vector<float>& start) {
  double apart = 0.0;
  double learned = 0.0;
  for (std::size_t i = 0; i < start.size(); ++i) {
    apart += std::pow(static_cast<double>(a.stored[i]) - static_cast<double>(b.stored[i]), 2);
    learned += std::pow(static_cast<double>(b.stored[i]) - static_cast<double>(start[i]), 2);
  }
  return std::sqrt(apart / learned);
}

// bf16 rounds every activation to 8 significant bits. On a net this small that flips ReLUs: moving
// the weights of the f32 net by one such rounding changes some of its gradients by 9 percent. A
// wrong gradient is a distance of about 1.
TEST_CASE("DenseNets train in bf16") {
  for (const bool bottleneck : {false, true}) {
    TinyDenseNet net;
    net.bottleneck = bottleneck;
    const Training exact = train_on_cpu(tiny_densenet(net));
    net.dtype = DType::bf16;
    const Training rounded = train_on_cuda(tiny_densenet(net));
    CHECK(difference(rounded.losses, widened(exact.losses), {0.0, 0.02}) == "");
    CHECK(exact_difference(rounded.losses, exact.losses) != "");
    const auto start =
        TinySession(tiny_densenet(net), kBatch, {}, 1, momentum_sgd(), make_test_runtime())
            .stored_values();
    const double distance = relative_distance(rounded, exact, start);
    INFO("relative distance " << distance);
    CHECK(distance > 0.0);
    CHECK(distance < 0.2);
    CHECK(rounded.losses.back() < rounded.losses.front());
    const Training again = train_on_cuda(tiny_densenet(net));
    CHECK(exact_difference(again.stored, rounded.stored).empty());
  }
}

TEST_CASE("a net with frozen statistics trains in bf16") {
  TinyDenseNet net;
  net.frozen = true;
  net.bottleneck = true;
  const Training exact = train_frozen(tiny_densenet(net), nullptr);
  net.dtype = DType::bf16;
  const Training rounded = train_frozen(tiny_densenet(net), make_test_runtime());
  CHECK(difference(rounded.losses, widened(exact.losses), {0.0, 0.02}) == "");
  CHECK(exact_difference(rounded.losses, exact.losses) != "");
  CHECK(rounded.losses.back() < rounded.losses.front());
}

// Channels in whole packs and more than 32 of them: kernels with two roles take the layers.
TinyDenseNet packed_net() {
  TinyDenseNet net;
  net.stem_channels = 40;
  net.layers = 2;
  net.growth_rate = 24;
  net.bottleneck = true;
  return net;
}

std::vector<float> trained_on_cuda(const TinyDenseNet& net, const PassSwitches& passes, int level) {
  SessionOptions options;
  options.train_batches = {kBatch};
  options.passes = passes;
  options.optimizer = momentum_sgd();
  options.recompute = level;
  auto runtime = make_test_runtime();
  options.device = runtime->stream().device();
  TinySession tiny(tiny_densenet(net), kBatch, options, std::move(runtime));
  const Training result = train(tiny);
  CHECK(tiny.session.peak_bytes() == tiny.session.planned_bytes());
  return result.stored;
}

// Where both share a launch, the pixels of the weights' bf16 sums are cut otherwise.
TEST_CASE("both gradients by one launch train as by two, but for the order of sums") {
  PassSwitches apart;
  apart.disable("paired-gradients");
  TinyDenseNet net = packed_net();
  for (const DType dtype : {DType::f32, DType::bf16}) {
    net.dtype = dtype;
    const std::vector<float> two = trained_on_cuda(net, apart, 0);
    const std::vector<float> one = trained_on_cuda(net, {}, 0);
    const Tolerance order_of_sums{1e-6, 1e-4};
    CHECK(difference(one, widened(two), order_of_sums) == "");
    for (const int level : {1, 2}) {
      INFO(dtype_name(dtype) << ", level " << level);
      CHECK(exact_difference(trained_on_cuda(net, {}, level), one) == "");
    }
  }
  net.dtype = DType::f32;
  net.frozen = true;
  CHECK(exact_difference(trained_on_cuda(net, {}, 0), trained_on_cuda(net, apart, 0)) == "");
}

// tf32 rounds the operands of products to 11 significant bits.
TEST_CASE("DenseNets train in tf32") {
  const Training exact = train_on_cpu(tiny_densenet({}));
  const Training rounded = train_on_cuda(tiny_densenet({}), FloatMath::tf32);
  CHECK(difference(rounded.losses, widened(exact.losses), {0.0, 0.002}) == "");
  CHECK(exact_difference(rounded.losses, exact.losses) != "");
}

TEST_CASE("rounded copies follow their parameters") {
  TinyDenseNet net;
  net.dtype = DType::bf16;
  TinySession tiny(tiny_densenet(net), kBatch, {}, 1, momentum_sgd(), make_test_runtime());
  for (std::int64_t step = 0; step < 3; ++step) {
    tiny.step(0.05, step);
  }
  const RoundedCopies copies = count_rounded_copies(tiny.session.parameters());
  CHECK(copies.all == 6);  // stem, three layers, transition, classifier
  CHECK(copies.exact == copies.all);
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

// The host may have queued further steps when it sees the loss of a diverged one.
TEST_CASE("steps behind a diverged one leave the weights alone too") {
  TinySession tiny(tiny_densenet({}), kBatch, {}, 1, {}, make_test_runtime());
  const auto weight = [&] {
    const StoredTensor* tensor = tiny.session.parameters().find("stem.weight");
    return std::vector<float>(tensor->view.f32(), tensor->view.f32() + tensor->shape.elements());
  };
  const auto before = weight();
  tiny.fill_inputs();
  const TensorView images = tiny.session.train_images(kBatch);
  tiny.session.upload(
      images, std::vector<float>(static_cast<std::size_t>(images.shape.elements()), NAN).data());
  tiny.session.queue_train_step(kBatch, 0.1, 0);
  tiny.fill_inputs();
  tiny.session.queue_train_step(kBatch, 0.1, 1);
  const auto results = tiny.session.results();
  REQUIRE(results.size() == 2);
  CHECK(!std::isfinite(results[0].loss));
  CHECK(std::isfinite(results[1].loss));
  CHECK(weight() == before);
  tiny.session.upload_parameters();  // a new start
  CHECK(std::isfinite(tiny.step(0.1, 2).loss));
  CHECK(weight() != before);
}

TEST_CASE("a capture ends with what throws in it, and the stream is as before") {
  const auto runtime = make_test_runtime();
  const TensorView x(runtime->allocate(256), channel_vector(4), DType::f32,
                     runtime->stream().device());
  const auto fill = [&](float value) { kernels::run(runtime->stream(), kernels::Fill{x, value}); };
  const auto first = [&] {
    float value = 0.0F;
    runtime->download(&value, x.data, sizeof(value));
    runtime->synchronize();
    return value;
  };
  CHECK_THROWS_WITH(runtime->capture([&] {
    fill(1.0F);
    throw Error(ErrorCode::internal, "a call is refused");
  }),
                    "a call is refused");
  CHECK(first() == 0.0F);
  fill(2.0F);
  CHECK(first() == 2.0F);
  const auto calls = runtime->capture([&] { fill(3.0F); });
  CHECK(first() == 2.0F);
  calls->launch();
  CHECK(first() == 3.0F);
  runtime->release(x.data);
}
