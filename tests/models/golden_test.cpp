// SPDX-License-Identifier: Apache-2.0
// One training step of small nets against PyTorch: loss, every gradient, running statistics.
// tests/golden/make_densenets.py and make_resnets.py made the arrays, in float64.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "accrete/engine/arena.h"
#include "accrete/engine/executor.h"
#include "accrete/engine/safetensors.h"
#include "accrete/models/model.h"
#include "support/catch.h"
#include "support/compare.h"

namespace accrete::models {
namespace {

using Arrays = std::map<std::string, NamedArray>;

Arrays load(const std::string& net) {
  Arrays arrays;
  const std::string path = std::string(GOLDEN_FOLDER) + "/" + net + ".safetensors";
  for (NamedArray& array : read_safetensors(path).arrays) {
    arrays.emplace(array.name, std::move(array));
  }
  return arrays;
}

// [K,C,R,S] (or shorter) of the file as the [K,R,S,C] of memory.
std::vector<float> memory_order(const NamedArray& array, const Shape& shape) {
  REQUIRE(static_cast<std::int64_t>(array.values.size()) == shape.elements());
  std::vector<float> values;
  const std::int64_t pixels = shape.h * shape.w;
  for (std::int64_t k = 0; k < shape.n; ++k) {
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      for (std::int64_t c = 0; c < shape.c; ++c) {
        values.push_back(
            array.values[static_cast<std::size_t>((k * shape.c + c) * pixels + pixel)]);
      }
    }
  }
  return values;
}

// A planned step whose parameters and inputs are those of the file.
class GoldenStep {
 public:
  GoldenStep(const ModelSpec& spec, BatchNormStatistics statistics, const Arrays& arrays,
             const PassSwitches& passes)
      : plan_(std::make_shared<const StepPlan>(plan_step(
            build_model(spec, batch_of(arrays), true, statistics), true, passes, Device{}))),
        store_(plan_->model.graph),
        parameters_(*runtime_, store_.bytes()),
        arena_(*runtime_, plan_->memory.peak_bytes),
        executor_((store_.bind(parameters_.at(0), Device{}), plan_), store_, arena_.at(0)) {
    for (const StoredTensor& tensor : store_.tensors()) {
      fill(tensor.view, memory_order(arrays.at("before." + tensor.name), tensor.shape));
    }
    const NamedArray& images = arrays.at("images");
    fill(executor_.view(plan_->model.images), images.values);
    const TensorView labels = executor_.view(plan_->model.labels);
    for (std::int64_t i = 0; i < labels.shape.n; ++i) {
      labels.i32()[i] =
          static_cast<std::int32_t>(arrays.at("labels").values[static_cast<std::size_t>(i)]);
    }
    executor_.run(Stream::cpu(pool_), 0, 0);
  }

  float number(ValueId value) const { return *executor_.view(value).f32(); }
  const StepPlan& plan() const { return *plan_; }
  std::vector<float> values(ValueId value) const {
    const TensorView view = executor_.view(value);
    return {view.f32(), view.f32() + view.shape.elements()};
  }
  const ParameterStore& store() const { return store_; }

 private:
  static ImageBatch batch_of(const Arrays& arrays) {
    const auto& shape = arrays.at("images").shape;
    return {shape[0], shape[1], shape[2], shape[3]};
  }
  static void fill(const TensorView& view, const std::vector<float>& values) {
    REQUIRE(static_cast<std::int64_t>(values.size()) == view.shape.elements());
    std::memcpy(view.data, values.data(), values.size() * sizeof(float));
  }

  ThreadPool pool_{2};
  std::unique_ptr<DeviceRuntime> runtime_ = make_cpu_runtime(pool_);
  std::shared_ptr<const StepPlan> plan_;
  ParameterStore store_;
  Arena parameters_;
  Arena arena_;
  Executor executor_;
};

// f32 against float64: rounding of a dozen layers, relative to the largest entry of the tensor. The
// gradient of a bias in front of a batch norm is zero, what is left of it is rounding of the sum of
// some hundred terms up to 0.1: hence the absolute part.
test::Tolerance tolerance_for(const std::vector<float>& expected) {
  double largest = 0.0;
  for (const float value : expected) {
    largest = std::max(largest, std::fabs(static_cast<double>(value)));
  }
  return {2e-5 * largest + 1e-6, 2e-5};
}

void check(const std::string& name, const std::vector<float>& got,
           const std::vector<float>& expected) {
  INFO(name);
  CHECK(test::difference(got, {expected.begin(), expected.end()}, tolerance_for(expected)) == "");
}

void check_net(const std::string& net, const ModelSpec& spec, const PassSwitches& passes,
               BatchNormStatistics statistics = BatchNormStatistics::batch) {
  const Arrays arrays = load(net);
  const GoldenStep step(spec, statistics, arrays, passes);
  const ModelGraph& model = step.plan().model;
  check("loss", {step.number(model.loss)}, arrays.at("loss").values);
  CHECK(step.number(model.correct) == arrays.at("correct").values[0]);
  std::size_t gradients = 0;
  for (const ParameterGradient& pair : step.plan().gradients) {
    const Value& parameter = model.graph.value(pair.parameter);
    const NamedArray& expected = arrays.at("gradient." + parameter.name);
    check(parameter.name, step.values(pair.gradient), memory_order(expected, parameter.type.shape));
    ++gradients;
  }
  std::size_t expected_gradients = 0;
  for (const auto& [name, array] : arrays) {
    expected_gradients += name.rfind("gradient.", 0) == 0 ? 1 : 0;
    if (name.rfind("after.", 0) == 0) {
      const StoredTensor* tensor = step.store().find(name.substr(6));
      REQUIRE(tensor != nullptr);
      check(name, {tensor->view.f32(), tensor->view.f32() + tensor->shape.elements()},
            array.values);
    }
  }
  CHECK(gradients == expected_gradients);
}

ModelSpec bottleneck_net() {
  ModelSpec model;
  DenseNetSpec& spec = model.densenet;
  spec.blocks = {2, 2};
  spec.growth_rate = 6;
  spec.bottleneck_width = 2;
  spec.stem = {8, 3, 1, false, false};
  spec.num_classes = 5;
  return model;
}

ModelSpec plain_net() {
  ModelSpec model;
  DenseNetSpec& spec = model.densenet;
  spec.blocks = {2, 2};
  spec.growth_rate = 5;
  spec.bottleneck_width = 0;
  spec.stem = {7, 7, 2, true, true};
  spec.conv_bias = true;
  spec.num_classes = 3;
  return model;
}

ModelSpec narrow_resnet() {
  ModelSpec model;
  model.family = Family::resnet;
  model.resnet.stages = {2, 1};
  model.resnet.width = model.resnet.stem.channels = 6;
  model.resnet.num_classes = 5;
  return model;
}

ModelSpec d2l_resnet() {
  ModelSpec model;
  model.family = Family::resnet;
  model.resnet.stages = {1, 1};
  model.resnet.width = model.resnet.stem.channels = 5;
  model.resnet.conv_bias = true;
  model.resnet.shortcut_norm = false;
  model.resnet.num_classes = 3;
  return model;
}

PassSwitches no_passes() {
  PassSwitches off;
  off.disable_all();
  return off;
}

}  // namespace

TEST_CASE("a net with bottlenecks trains a step as PyTorch does") {
  check_net("densenet_bottleneck", bottleneck_net(), {});
}

TEST_CASE("a net with the d2l stem and biases trains a step as PyTorch does") {
  check_net("densenet_plain", plain_net(), {});
}

TEST_CASE("residual nets train a step as PyTorch does") {
  check_net("resnet_narrow", narrow_resnet(), {});
  check_net("resnet_d2l", d2l_resnet(), {});
}

TEST_CASE("nets with frozen statistics train a step as PyTorch does") {
  check_net("densenet_frozen", bottleneck_net(), {}, BatchNormStatistics::running);
  check_net("resnet_frozen", narrow_resnet(), {}, BatchNormStatistics::running);
}

TEST_CASE("the plain graphs, without any pass, do too") {
  check_net("densenet_bottleneck", bottleneck_net(), no_passes());
  check_net("densenet_plain", plain_net(), no_passes());
  check_net("resnet_narrow", narrow_resnet(), no_passes());
  check_net("resnet_d2l", d2l_resnet(), no_passes());
  check_net("densenet_frozen", bottleneck_net(), no_passes(), BatchNormStatistics::running);
  check_net("resnet_frozen", narrow_resnet(), no_passes(), BatchNormStatistics::running);
}

}  // namespace accrete::models
