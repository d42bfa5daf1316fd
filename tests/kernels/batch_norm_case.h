// SPDX-License-Identifier: Apache-2.0
// Data of one batch norm test, and the calls on it.
#pragma once

#include <cmath>
#include <vector>

#include "accrete/kernels/batch_norm.h"
#include "kernels/every_run.h"
#include "reference/batch_norm.h"
#include "support/random_fill.h"

namespace accrete::test {

struct BatchNormCase {
  Shape shape;
  kernels::BatchNormOptions options;
  std::vector<float> x, grad_y, before;
  std::vector<float> gamma, beta, running_mean, running_var;

  BatchNormCase(const Shape& shape_in, bool relu, float low = -2.0F, float high = 2.0F)
      : shape(shape_in),
        x(uniform(shape_in.elements(), 11, low, high)),
        grad_y(uniform(shape_in.elements(), 12)),
        before(uniform(shape_in.elements(), 13)),
        gamma(uniform(shape_in.c, 14, 0.5F, 1.5F)),
        beta(uniform(shape_in.c, 15, -0.5F, 0.5F)),
        running_mean(uniform(shape_in.c, 16)),
        running_var(uniform(shape_in.c, 17, 0.5F, 2.0F)) {
    options.relu = relu;
    options.momentum = 0.25F;
  }

  reference::BatchNormParameters parameters() const {
    return {widened(gamma), widened(beta), static_cast<double>(options.epsilon), options.relu};
  }

  /// Where the output is nearly 0, rounding decides whether ReLU passes the gradient: no oracle
  /// can say. Those elements get no gradient.
  void mute_gradient_near_zero() {
    const auto s = reference::batch_statistics(shape, widened(x), parameters().epsilon);
    mute_gradient_near_zero(s.mean, s.inv_std);
  }
  /// The same with given statistics.
  void mute_gradient_near_zero(const std::vector<double>& mean,
                               const std::vector<double>& inv_std) {
    reference::BatchNormParameters linear = parameters();
    linear.relu = false;
    const auto y = reference::batch_norm_normalise(shape, linear, widened(x), mean, inv_std);
    for (std::size_t i = 0; i < y.size(); ++i) {
      grad_y[i] = std::fabs(y[i]) < 1e-3 ? 0.0F : grad_y[i];
    }
  }
};

struct TrainingResult {
  std::vector<float> y, mean, inv_std, running_mean, running_var;
};

inline TrainingResult run_training(const BatchNormCase& data, const Run& run, bool in_place) {
  const Shape vector = channel_vector(data.shape.c);
  GuardedTensor x = filled(data.shape, run.in, data.x);
  GuardedTensor y = poisoned(data.shape, run.out);
  const GuardedTensor gamma = filled(vector, {}, data.gamma);
  const GuardedTensor beta = filled(vector, {}, data.beta);
  GuardedTensor running_mean = filled(vector, {}, data.running_mean);
  GuardedTensor running_var = filled(vector, {}, data.running_var);
  GuardedTensor mean = poisoned(vector, {});
  GuardedTensor inv_std = poisoned(vector, {});
  run_call(run.stream, kernels::BatchNormTraining{.options = data.options,
                                                  .x = x.view(),
                                                  .gamma = gamma.view(),
                                                  .beta = beta.view(),
                                                  .running_mean = running_mean.view(),
                                                  .running_var = running_var.view(),
                                                  .mean = mean.view(),
                                                  .inv_std = inv_std.view(),
                                                  .y = in_place ? x.view() : y.view()});
  require_undamaged({&x, &y, &gamma, &beta, &running_mean, &running_var, &mean, &inv_std});
  return {in_place ? x.values() : y.values(), mean.values(), inv_std.values(),
          running_mean.values(), running_var.values()};
}

struct BackwardResult {
  std::vector<float> x, gamma, beta;
};

enum class GradientTarget { overwrite, accumulate, onto_grad_y };

inline BackwardResult run_backward(const BatchNormCase& data, const TrainingResult& saved,
                                   const Run& run, GradientTarget target,
                                   bool constant_statistics = false) {
  const Shape vector = channel_vector(data.shape.c);
  const GuardedTensor x = filled(data.shape, run.in, data.x);
  GuardedTensor grad_y = filled(data.shape, run.out, data.grad_y);
  const GuardedTensor gamma = filled(vector, {}, data.gamma);
  const GuardedTensor beta = filled(vector, {}, data.beta);
  const GuardedTensor mean = filled(vector, {}, saved.mean);
  const GuardedTensor inv_std = filled(vector, {}, saved.inv_std);
  const GradMode mode =
      target == GradientTarget::accumulate ? GradMode::accumulate : GradMode::overwrite;
  GuardedTensor grad_x = gradient_target(data.shape, run.in, mode, data.before);
  GuardedTensor& result = target == GradientTarget::onto_grad_y ? grad_y : grad_x;
  GuardedTensor grad_gamma = poisoned(vector, {});
  GuardedTensor grad_beta = poisoned(vector, {});
  run_call(run.stream, kernels::BatchNormBackward{
                           .grad_y = grad_y.view(),
                           .x = x.view(),
                           .norm = {mean.view(), inv_std.view(), gamma.view(), beta.view()},
                           .relu = data.options.relu,
                           .constant_statistics = constant_statistics,
                           .grad_x = result.view(),
                           .mode = mode,
                           .grad_gamma = grad_gamma.view(),
                           .grad_beta = grad_beta.view()});
  require_undamaged(
      {&x, &grad_y, &gamma, &beta, &mean, &inv_std, &grad_x, &grad_gamma, &grad_beta});
  return {result.values(), grad_gamma.values(), grad_beta.values()};
}

}  // namespace accrete::test
