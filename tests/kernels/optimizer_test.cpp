// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/optimizer.h"

#include "kernels/every_run.h"
#include "reference/optimizer.h"
#include "support/random_fill.h"

using namespace accrete;
using namespace accrete::test;

namespace {

constexpr int kSteps = 4;
constexpr Tolerance kTolerance = {1e-6, 1e-6};

// Empty, tiny, around a vector, around a task, several tasks.
const std::vector<std::int64_t>& counts() {
  static const std::vector<std::int64_t> all = {1, 3, 0, 16, 17, 432, 16384, 1, 50000, 33};
  return all;
}

double decay_of(std::size_t parameter) {
  return parameter % 2 == 0 ? 0.0 : 0.015625;  // exact in f32
}

std::vector<float> gradient_of(std::size_t parameter, int step) {
  return uniform(counts()[parameter], 100 * parameter + static_cast<std::size_t>(step));
}

std::vector<float> start_of(std::size_t parameter) {
  return uniform(counts()[parameter], 7000 + parameter);
}

// The arrays of all parameters; empty ones keep one element that stays as it is.
struct Arrays {
  std::vector<GuardedTensor> tensors;

  Arrays() {
    for (const std::int64_t count : counts()) {
      tensors.emplace_back(channel_vector(std::max<std::int64_t>(count, 1)));
    }
  }
  float* data(std::size_t i) { return tensors[i].view().f32(); }
  void set(std::size_t i, const std::vector<float>& values) {
    if (!values.empty()) {
      tensors[i].set_values(values);
    }
  }
  void append_to(Outputs& outputs) const {
    for (const GuardedTensor& tensor : tensors) {
      REQUIRE(tensor.damage() == "");
      outputs.push_back(tensor.values());
    }
  }
};

void append(std::vector<Expected>& expected, std::vector<double> values) {
  if (values.empty()) {
    values.push_back(0.0);
  }
  expected.push_back({std::move(values), kTolerance});
}

void check_sgd(const kernels::SgdOptions& options) {
  std::vector<Expected> values;
  std::vector<Expected> buffers;
  for (std::size_t i = 0; i < counts().size(); ++i) {
    auto value = widened(start_of(i));
    std::vector<double> buffer(value.size(), 0.0);
    for (int step = 1; step <= kSteps; ++step) {
      reference::sgd_step({static_cast<double>(options.learning_rate),
                           static_cast<double>(options.momentum), options.nesterov, decay_of(i)},
                          widened(gradient_of(i, step)), value, buffer);
    }
    append(values, value);
    append(buffers, buffer);
  }
  values.insert(values.end(), buffers.begin(), buffers.end());
  expect_every_run(values, [&](const Run& run) -> Outputs {
    Arrays value, gradient, momentum;
    std::vector<kernels::SgdParameter> parameters;
    for (std::size_t i = 0; i < counts().size(); ++i) {
      value.set(i, start_of(i));
      parameters.push_back({value.data(i), gradient.data(i),
                            options.momentum != 0.0F ? momentum.data(i) : nullptr, counts()[i],
                            static_cast<float>(decay_of(i))});
    }
    for (int step = 1; step <= kSteps; ++step) {
      for (std::size_t i = 0; i < counts().size(); ++i) {
        gradient.set(i, gradient_of(i, step));
      }
      run_call(run.stream, kernels::SgdStep{options, parameters.data(),
                                            static_cast<std::int64_t>(parameters.size())});
    }
    Outputs outputs;
    value.append_to(outputs);
    momentum.append_to(outputs);
    return outputs;
  });
}

void check_adam(const kernels::AdamOptions& options) {
  const reference::Adam adam = {static_cast<double>(options.learning_rate),
                                static_cast<double>(options.beta1),
                                static_cast<double>(options.beta2),
                                static_cast<double>(options.epsilon),
                                0.0,
                                options.decoupled_weight_decay};
  std::vector<Expected> values, firsts, seconds;
  for (std::size_t i = 0; i < counts().size(); ++i) {
    auto value = widened(start_of(i));
    std::vector<double> first(value.size(), 0.0);
    std::vector<double> second(value.size(), 0.0);
    reference::Adam mine = adam;
    mine.weight_decay = decay_of(i);
    for (int step = 1; step <= kSteps; ++step) {
      reference::adam_step(mine, step, widened(gradient_of(i, step)), value, first, second);
    }
    append(values, value);
    append(firsts, first);
    append(seconds, second);
  }
  values.insert(values.end(), firsts.begin(), firsts.end());
  values.insert(values.end(), seconds.begin(), seconds.end());
  expect_every_run(values, [&](const Run& run) -> Outputs {
    Arrays value, gradient, first, second;
    std::vector<kernels::AdamParameter> parameters;
    for (std::size_t i = 0; i < counts().size(); ++i) {
      value.set(i, start_of(i));
      parameters.push_back({value.data(i), gradient.data(i), first.data(i), second.data(i),
                            counts()[i], static_cast<float>(decay_of(i))});
    }
    for (int step = 1; step <= kSteps; ++step) {
      for (std::size_t i = 0; i < counts().size(); ++i) {
        gradient.set(i, gradient_of(i, step));
      }
      run_call(run.stream, kernels::AdamStep{options, step, parameters.data(),
                                             static_cast<std::int64_t>(parameters.size())});
    }
    Outputs outputs;
    value.append_to(outputs);
    first.append_to(outputs);
    second.append_to(outputs);
    return outputs;
  });
}

}  // namespace

TEST_CASE("sgd_step: plain, momentum, Nesterov, with and without weight decay") {
  check_sgd({0.1F, 0.0F, false});
  check_sgd({0.1F, 0.9F, false});
  check_sgd({0.1F, 0.9F, true});
}

TEST_CASE("adam_step: L2 and decoupled weight decay") {
  // A large epsilon takes part in the result. Where the gradient is nearly 0, a small one would
  // leave the update to the rounding of the gradient.
  check_adam({1e-2F, 0.9F, 0.999F, 1e-3F, false});
  check_adam({1e-2F, 0.9F, 0.999F, 1e-3F, true});
  check_adam({1e-2F, 0.0F, 0.5F, 1e-3F, false});
}

TEST_CASE("optimizers accept an empty list and name the parameter that is wrong") {
  const Stream stream = test_stream(0);
  const auto error = [&](const auto& call) {
    return error_of([&] { kernels::run(stream, call); });
  };
  CHECK_NOTHROW(kernels::run(stream, kernels::SgdStep{}));
  CHECK_NOTHROW(kernels::run(stream, kernels::AdamStep{}));
  float value = 1.0F;
  float gradient = 1.0F;
  float momentum = 1.0F;
  const kernels::SgdParameter sgd[2] = {{&value, &gradient, &momentum, 1, 0.0F},
                                        {&value, &gradient, nullptr, 1, 0.0F}};
  CHECK(error(kernels::SgdStep{{0.1F, 0.9F, false}, sgd, 2}) ==
        "[sgd_step] parameter 1 of 1 elements has no momentum");
  CHECK(error(kernels::SgdStep{{0.1F, 1.5F, false}, sgd, 2}) ==
        "[sgd_step] momentum is 1.500000, must be in [0, 1)");
  const kernels::AdamParameter adam = {&value, &value, &value, &value, -1, 0.0F};
  CHECK(error(kernels::AdamStep{{}, 1, &adam, 1}) ==
        "[adam_step] parameter 0 has count -1; counts must be positive or 0, and at most 2^40 in "
        "all");
  CHECK(error(kernels::AdamStep{{}, 0, &adam, 1}) == "[adam_step] step is 0, the first is 1");
  CHECK(error(kernels::SgdStep{{}, nullptr, 3}) == "[sgd_step] got 3 parameters at a null pointer");
  CHECK(value == 1.0F);
}
