// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "kernels/batch_norm_case.h"

using namespace accrete;
using namespace accrete::test;

namespace {

std::vector<double> blended(const std::vector<float>& running, const std::vector<double>& batch,
                            double factor) {
  std::vector<double> result = widened(running);
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = 0.75 * result[i] + 0.25 * batch[i] * factor;
  }
  return result;
}

// y is scale * x + shift in f32: its error is a few roundings of |scale * mean|, and scale is 316
// where the variance is 0.
Tolerance output_tolerance(const Shape& shape) {
  return {shape.pixels() == 1 ? 2e-4 : 1e-5, 1e-5};
}

std::vector<Expected> expected_training(const BatchNormCase& data) {
  const auto x = widened(data.x);
  const auto s = reference::batch_statistics(data.shape, x, 1e-5);
  const auto pixels = static_cast<double>(data.shape.pixels());
  const auto running_var = data.shape.pixels() == 1
                               ? widened(data.running_var)
                               : blended(data.running_var, s.variance, pixels / (pixels - 1.0));
  return {{reference::batch_norm_training(data.shape, data.parameters(), x),
           output_tolerance(data.shape)},
          {s.mean, {1e-6, 1e-6}},
          {s.inv_std, {0.0, 2e-6}},
          {blended(data.running_mean, s.mean, 1.0), {1e-6, 1e-6}},
          {running_var, {1e-6, 2e-6}}};
}

Outputs outputs_of(const TrainingResult& r) {
  return {r.y, r.mean, r.inv_std, r.running_mean, r.running_var};
}

}  // namespace

TEST_CASE("batch_norm_training on every shape and placement") {
  for (const Shape& shape : row_shapes()) {
    for (const bool relu : {false, true}) {
      INFO("shape " << to_string(shape) << ", relu " << relu);
      const BatchNormCase data(shape, relu);
      expect_every_run(expected_training(data), [&](const Run& run) -> Outputs {
        return outputs_of(run_training(data, run, false));
      });
    }
  }
}

TEST_CASE("batch_norm_normalise is the second half of training, bit for bit") {
  for (const Shape& shape : {Shape{1, 1, 1, 3}, Shape{2, 9, 11, 33}, Shape{3, 61, 67, 24}}) {
    for (const bool relu : {false, true}) {
      INFO("shape " << to_string(shape) << ", relu " << relu);
      const BatchNormCase data(shape, relu);
      for (std::size_t way = 0; way < arithmetics().size(); ++way) {
        const Arithmetic arithmetic(way);
        const Run run{test_stream(1), layouts()[3], layouts()[1]};
        const TrainingResult training = run_training(data, run, false);
        GuardedTensor x = filled(shape, run.in, data.x);
        GuardedTensor y = poisoned(shape, run.out);
        const GuardedTensor gamma = filled(channel_vector(shape.c), {}, data.gamma);
        const GuardedTensor beta = filled(channel_vector(shape.c), {}, data.beta);
        const GuardedTensor mean = filled(channel_vector(shape.c), {}, training.mean);
        const GuardedTensor inv_std = filled(channel_vector(shape.c), {}, training.inv_std);
        for (GuardedTensor* to : {&y, &x}) {
          run_call(run.stream, kernels::BatchNormNormalise{
                                   x.view(),
                                   {mean.view(), inv_std.view(), gamma.view(), beta.view()},
                                   relu,
                                   to->view()});
          require_undamaged({&x, &y, &gamma, &beta, &mean, &inv_std});
          CHECK(exact_difference(to->values(), training.y) == "");
        }
      }
    }
  }
}

TEST_CASE("batch_norm_training works in place and over many tiles") {
  for (const Shape& shape : {Shape{2, 9, 11, 33}, Shape{3, 61, 67, 24}, Shape{2, 9, 11, 600}}) {
    INFO("shape " << to_string(shape));
    BatchNormCase data(shape, true);
    // A drift, so that the tiles have different means.
    for (std::size_t i = 0; i < data.x.size(); ++i) {
      data.x[i] += 5.0F * static_cast<float>(i) / static_cast<float>(data.x.size());
    }
    expect_every_run(expected_training(data), [&](const Run& run) -> Outputs {
      return outputs_of(run_training(data, run, true));
    });
  }
}

TEST_CASE("batch_norm_training stays accurate where the mean is 1000 deviations") {
  const Shape shape{3, 61, 67, 24};
  const BatchNormCase data(shape, false, 1000.0F, 1003.4F);
  const auto x = widened(data.x);
  const auto s = reference::batch_statistics(shape, x, 1e-5);
  const auto y = reference::batch_norm_training(shape, data.parameters(), x);
  // The mean is stored in f32, where half an ulp of 1000 is 3.05e-5. It has no other error.
  const std::vector<Expected> expected = {
      {y, {3e-4, 0.0}}, {s.mean, {3.1e-5, 0.0}}, {s.inv_std, {0.0, 1e-5}}};
  expect_every_run(expected, [&](const Run& run) -> Outputs {
    const TrainingResult r = run_training(data, run, false);
    return {r.y, r.mean, r.inv_std};
  });
}

TEST_CASE("one NaN spoils its channel and no other") {
  BatchNormCase data({1, 5, 7, 20}, false);
  data.x[20 * 9 + 4] = std::numeric_limits<float>::quiet_NaN();
  const TrainingResult r = run_training(data, {test_stream(1), {}, {}}, false);
  for (std::size_t c = 0; c < 20; ++c) {
    INFO("channel " << c);
    CHECK(std::isnan(r.mean[c]) == (c == 4));
    CHECK(std::isnan(r.y[c]) == (c == 4));
    CHECK(std::isnan(r.running_var[c]) == (c == 4));
  }
}

TEST_CASE("batch_norm_inference normalises with the running statistics") {
  for (const Shape& shape : row_shapes()) {
    for (const bool relu : {false, true}) {
      INFO("shape " << to_string(shape) << ", relu " << relu);
      const BatchNormCase data(shape, relu);
      std::vector<double> inv_std;
      for (const float variance : data.running_var) {
        inv_std.push_back(1.0 / std::sqrt(static_cast<double>(variance) + 1e-5));
      }
      const Expected y = {reference::batch_norm_normalise(shape, data.parameters(), widened(data.x),
                                                          widened(data.running_mean), inv_std),
                          {2e-6, 2e-6}};
      const Shape vector = channel_vector(shape.c);
      expect_every_run({y, y}, [&](const Run& run) -> Outputs {
        GuardedTensor x = filled(shape, run.in, data.x);
        GuardedTensor out = poisoned(shape, run.out);
        const GuardedTensor gamma = filled(vector, {}, data.gamma);
        const GuardedTensor beta = filled(vector, {}, data.beta);
        const GuardedTensor mean = filled(vector, {}, data.running_mean);
        const GuardedTensor var = filled(vector, {}, data.running_var);
        for (const TensorView& target : {out.view(), x.view()}) {
          run_call(run.stream,
                   kernels::BatchNormInference{data.options, x.view(), gamma.view(), beta.view(),
                                               mean.view(), var.view(), target});
        }
        require_undamaged({&x, &out, &gamma, &beta, &mean, &var});
        return {out.values(), x.values()};
      });
    }
  }
}

TEST_CASE("batch norm errors name the op and both shapes") {
  const Shape shape{2, 3, 3, 8};
  GuardedTensor x(shape);
  const Shape vector = channel_vector(8);
  GuardedTensor gamma(vector), running_mean(vector), running_var(vector);
  GuardedTensor mean(vector), inv_std(vector), narrow(channel_vector(7));
  kernels::BatchNormTraining call{.x = x.view(),
                                  .gamma = narrow.view(),
                                  .beta = gamma.view(),
                                  .running_mean = running_mean.view(),
                                  .running_var = running_var.view(),
                                  .mean = mean.view(),
                                  .inv_std = inv_std.view(),
                                  .y = x.view()};
  const std::size_t bytes = kernels::workspace_bytes(call, test_device());
  Scratch scratch(bytes);
  const auto error = [&](std::size_t workspace) {
    return error_of([&] {
      kernels::run(test_stream(0), call, {scratch.workspace().data, workspace});
    });
  };
  CHECK(error(bytes) == "[batch_norm_training] gamma is [1,1,1,7], expected [1,1,1,8]");
  call.gamma = gamma.view();
  call.options.epsilon = 0.0F;
  CHECK(error(bytes) == "[batch_norm_training] epsilon is 0.000000, must be positive and finite");
  call.options.epsilon = 1e-5F;
  call.options.momentum = std::numeric_limits<float>::quiet_NaN();
  CHECK(error(bytes) == "[batch_norm_training] momentum is nan, must be in [0, 1]");
  call.options.momentum = 0.1F;
  CHECK(error(bytes - 1) == "[batch_norm_training] workspace has " + std::to_string(bytes - 1) +
                                " bytes, needs " + std::to_string(bytes));
  call.x.shape.h = 0;
  CHECK(error_of([&] {
          kernels::workspace_bytes(call, test_device());
        }).find("[batch_norm_training] x: impossible shape [2,0,3,8]") == 0);
}
