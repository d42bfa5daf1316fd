// SPDX-License-Identifier: Apache-2.0
#include "models/golden_step.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "accrete/engine/arena.h"
#include "accrete/engine/executor.h"
#include "accrete/engine/safetensors.h"
#include "support/catch.h"
#include "support/compare.h"

namespace accrete::models {
namespace {

using Arrays = std::map<std::string, NamedArray>;

Arrays load(const std::string& path) {
  Arrays arrays;
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

}  // namespace

void check_golden_step(const std::string& path, const ModelSpec& spec, const PassSwitches& passes,
                       const Compare& compare, BatchNormStatistics statistics) {
  const Arrays arrays = load(path);
  const GoldenStep step(spec, statistics, arrays, passes);
  const ModelGraph& model = step.plan().model;
  compare("loss", {step.number(model.loss)}, arrays.at("loss").values);
  CHECK(step.number(model.correct) == arrays.at("correct").values[0]);
  std::size_t gradients = 0;
  for (const ParameterGradient& pair : step.plan().gradients) {
    const Value& parameter = model.graph.value(pair.parameter);
    const NamedArray& expected = arrays.at("gradient." + parameter.name);
    compare(parameter.name, step.values(pair.gradient),
            memory_order(expected, parameter.type.shape));
    ++gradients;
  }
  std::size_t expected_gradients = 0;
  for (const auto& [name, array] : arrays) {
    expected_gradients += name.rfind("gradient.", 0) == 0 ? 1 : 0;
    if (name.rfind("after.", 0) == 0) {
      const StoredTensor* tensor = step.store().find(name.substr(6));
      REQUIRE(tensor != nullptr);
      compare(name, {tensor->view.f32(), tensor->view.f32() + tensor->shape.elements()},
              array.values);
    }
  }
  CHECK(gradients == expected_gradients);
}

PassSwitches no_passes() {
  PassSwitches off;
  off.disable_all();
  return off;
}

}  // namespace accrete::models
