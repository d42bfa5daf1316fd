// SPDX-License-Identifier: Apache-2.0
#include "kernels/batch_norm_case.h"

using namespace accrete;
using namespace accrete::test;

namespace {

Outputs backward_outputs(const BatchNormCase& data, const TrainingResult& saved, const Run& run,
                         bool constant) {
  const BackwardResult a = run_backward(data, saved, run, GradientTarget::overwrite, constant);
  const BackwardResult b = run_backward(data, saved, run, GradientTarget::accumulate, constant);
  const BackwardResult c = run_backward(data, saved, run, GradientTarget::onto_grad_y, constant);
  REQUIRE(exact_difference(b.gamma, a.gamma).empty());
  REQUIRE(exact_difference(c.beta, a.beta).empty());
  return {a.x, b.x, c.x, a.gamma, a.beta};
}

// The statistics come from the same kernels, as in training.
Outputs backward_outputs(const BatchNormCase& data, const Run& run) {
  return backward_outputs(data, run_training(data, run, false), run, false);
}

std::vector<Expected> expected_backward(const BatchNormCase& data) {
  const auto g = reference::batch_norm_backward(data.shape, data.parameters(), widened(data.grad_y),
                                                widened(data.x));
  // With one pixel the terms cancel, each as large as the factor 316 = 1 / sqrt(epsilon).
  const Tolerance x = {data.shape.pixels() == 1 ? 2e-4 : 5e-6, 5e-6};
  const Tolerance sums = sum_tolerance(static_cast<double>(data.shape.pixels()));
  return {{g.x, x}, {plus(g.x, data.before), x}, {g.x, x}, {g.gamma, sums}, {g.beta, sums}};
}

}  // namespace

TEST_CASE("batch_norm_backward on every shape and placement") {
  for (const Shape& shape : row_shapes()) {
    for (const bool relu : {false, true}) {
      INFO("shape " << to_string(shape) << ", relu " << relu);
      BatchNormCase data(shape, relu);
      data.mute_gradient_near_zero();
      expect_every_run(expected_backward(data),
                       [&](const Run& run) -> Outputs { return backward_outputs(data, run); });
    }
  }
}

TEST_CASE("batch_norm_backward with constant statistics") {
  for (const Shape& shape : {Shape{1, 1, 1, 3}, Shape{2, 13, 17, 40}, Shape{3, 61, 67, 24}}) {
    for (const bool relu : {false, true}) {
      INFO("shape " << to_string(shape) << ", relu " << relu);
      BatchNormCase data(shape, relu);
      TrainingResult saved;  // some constants
      saved.mean = uniform(shape.c, 18);
      saved.inv_std = uniform(shape.c, 19, 0.5F, 2.0F);
      data.mute_gradient_near_zero(widened(saved.mean), widened(saved.inv_std));
      const auto g = reference::batch_norm_backward_constant(
          shape, data.parameters(), widened(data.grad_y), widened(data.x), widened(saved.mean),
          widened(saved.inv_std));
      const Tolerance x = {1e-6, 1e-6};
      const Tolerance sums = sum_tolerance(static_cast<double>(shape.pixels()));
      expect_every_run(
          {{g.x, x}, {plus(g.x, data.before), x}, {g.x, x}, {g.gamma, sums}, {g.beta, sums}},
          [&](const Run& run) -> Outputs { return backward_outputs(data, saved, run, true); });
    }
  }
}

TEST_CASE("batch_norm_backward over many tiles") {
  for (const Shape& shape : {Shape{3, 61, 67, 24}, Shape{2, 9, 11, 600}}) {
    INFO("shape " << to_string(shape));
    BatchNormCase data(shape, true);
    data.mute_gradient_near_zero();
    expect_every_run(expected_backward(data),
                     [&](const Run& run) -> Outputs { return backward_outputs(data, run); });
  }
}

TEST_CASE("batch_norm_backward agrees with finite differences") {
  const Shape shape{1, 3, 4, 5};
  for (const bool relu : {false, true}) {
    INFO("relu " << relu);
    BatchNormCase data(shape, relu);
    const auto loss = [&](const std::vector<double>& x,
                          const reference::BatchNormParameters& parameters) {
      const auto y = reference::batch_norm_training(shape, parameters, x);
      double total = 0.0;
      for (std::size_t i = 0; i < y.size(); ++i) {
        total += y[i] * static_cast<double>(data.grad_y[i]);
      }
      return total;
    };
    constexpr double kStep = 1e-6;
    // The derivative of `loss` by one number that `value` refers to.
    const auto slope = [&](std::vector<double>& x, reference::BatchNormParameters& parameters,
                           double& value) {
      const double middle = value;
      value = middle + kStep;
      const double above = loss(x, parameters);
      value = middle - kStep;
      const double below = loss(x, parameters);
      value = middle;
      return (above - below) / (2.0 * kStep);
    };
    std::vector<double> x = widened(data.x);
    reference::BatchNormParameters parameters = data.parameters();
    std::vector<double> grad_x;
    std::vector<double> grad_gamma;
    std::vector<double> grad_beta;
    for (double& value : x) {
      grad_x.push_back(slope(x, parameters, value));
    }
    for (std::size_t c = 0; c < 5; ++c) {
      grad_gamma.push_back(slope(x, parameters, parameters.gamma[c]));
      grad_beta.push_back(slope(x, parameters, parameters.beta[c]));
    }
    const Tolerance tolerance = {1e-5, 1e-5};
    expect_every_run({{grad_x, tolerance}, {grad_gamma, tolerance}, {grad_beta, tolerance}},
                     [&](const Run& run) -> Outputs {
                       const TrainingResult saved = run_training(data, run, false);
                       const BackwardResult r =
                           run_backward(data, saved, run, GradientTarget::overwrite);
                       return {r.x, r.gamma, r.beta};
                     });
  }
}

TEST_CASE("backward recomputes exactly the ReLU mask of the forward pass") {
  // beta puts the inputs of value 1 at an output of 0 up to rounding, of either sign.
  const Shape shape{2, 13, 17, 40};
  BatchNormCase data(shape, true);
  data.x = integers(shape.elements(), 21, 2);
  const auto s = reference::batch_statistics(shape, widened(data.x), 1e-5);
  for (std::size_t c = 0; c < 40; ++c) {
    data.beta[c] =
        static_cast<float>((s.mean[c] - 1.0) * s.inv_std[c] * static_cast<double>(data.gamma[c]));
  }
  data.grad_y.assign(data.x.size(), 1.0F);
  for (std::size_t way = 0; way < arithmetics().size(); ++way) {
    const Arithmetic arithmetic(way);
    const Run run{test_stream(1), layouts()[3], layouts()[1]};
    const TrainingResult forward = run_training(data, run, false);
    const BackwardResult backward = run_backward(data, forward, run, GradientTarget::overwrite);
    std::vector<double> positive(40, 0.0);
    for (std::size_t i = 0; i < forward.y.size(); ++i) {
      positive[i % 40] += forward.y[i] > 0.0F ? 1.0 : 0.0;
    }
    INFO(arithmetics()[way]);
    CHECK(difference(backward.beta, positive, {}) == "");
  }
}

TEST_CASE("batch_norm_backward stays accurate where the mean is 1000 deviations") {
  const Shape shape{3, 61, 67, 24};
  const BatchNormCase data(shape, false, 1000.0F, 1003.4F);
  const auto g = reference::batch_norm_backward(shape, data.parameters(), widened(data.grad_y),
                                                widened(data.x));
  expect_every_run({{g.x, {2e-4, 0.0}}, {g.gamma, {1e-2, 1e-4}}}, [&](const Run& run) -> Outputs {
    const TrainingResult saved = run_training(data, run, false);
    const BackwardResult r = run_backward(data, saved, run, GradientTarget::overwrite);
    return {r.x, r.gamma};
  });
}

TEST_CASE("batch_norm_backward names what contradicts x") {
  GuardedTensor x({2, 3, 3, 8});
  GuardedTensor grad_y({2, 3, 2, 8});
  GuardedTensor vector(channel_vector(8));
  const TensorView v = vector.view();
  const kernels::BatchNormBackward call{.grad_y = grad_y.view(),
                                        .x = x.view(),
                                        .norm = {v, v, v, v},
                                        .grad_x = x.view(),
                                        .grad_gamma = v,
                                        .grad_beta = v};
  CHECK(error_of([&] { kernels::run(test_stream(0), call); }) ==
        "[batch_norm_backward] grad_y is [2,3,2,8], expected [2,3,3,8]");
}
