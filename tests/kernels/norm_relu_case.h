// SPDX-License-Identifier: Apache-2.0
// The optional parts of calls with values for which f32 is exact: whole numbers and few binary
// places, so that a result or a ReLU mask that differs is wrong and not rounded.
#pragma once

#include <vector>

#include "accrete/kernels/norm_relu.h"
#include "kernels/every_run.h"
#include "reference/norm_relu.h"
#include "support/random_fill.h"

namespace accrete::test {

/// `step` * whole numbers in [-range, range] + `shift`.
inline std::vector<float> steps(std::int64_t count, std::uint64_t seed, int range, float step,
                                float shift = 0.0F) {
  std::vector<float> values = integers(count, seed, range);
  for (float& value : values) {
    value = value * step + shift;
  }
  return values;
}

/// 1 or 0.5.
inline std::vector<float> deviations(std::int64_t count, std::uint64_t seed) {
  std::vector<float> values = integers(count, seed, 1);
  for (float& value : values) {
    value = value > 0.0F ? 1.0F : 0.5F;
  }
  return values;
}

/// What a reader of x applies. beta is positive everywhere: a padding tap that was normalised would
/// not be 0.
struct NormData {
  explicit NormData(std::int64_t channels, std::uint64_t seed = 31)
      : mean(integers(channels, seed, 1)),
        inv_std(deviations(channels, seed + 1)),
        gamma(steps(channels, seed + 2, 1, 1.5F, 0.5F)),  // -1, 0.5, 2
        beta(steps(channels, seed + 3, 1, 0.25F, 0.75F)) {}

  reference::Norm reference() const {
    return {widened(mean), widened(inv_std), widened(gamma), widened(beta)};
  }

  std::vector<float> mean, inv_std, gamma, beta;
};

class NormTensors {
 public:
  explicit NormTensors(const NormData& data)
      : mean_(vector(data.mean)),
        inv_std_(vector(data.inv_std)),
        gamma_(vector(data.gamma)),
        beta_(vector(data.beta)) {}

  kernels::NormRelu view() const {
    return {mean_.view(), inv_std_.view(), gamma_.view(), beta_.view()};
  }
  kernels::NormRelu view_if(bool wanted) const { return wanted ? view() : kernels::NormRelu(); }

  static GuardedTensor packed(const Shape& shape, const std::vector<float>& values) {
    return filled(shape, {}, values);
  }
  static GuardedTensor vector(const std::vector<float>& values) {
    return packed(channel_vector(static_cast<std::int64_t>(values.size())), values);
  }

 private:
  GuardedTensor mean_, inv_std_, gamma_, beta_;
};

/// A gradient of which something is due.
struct DeferredData {
  explicit DeferredData(const Shape& shape_in, std::uint64_t seed = 41)
      : shape(shape_in),
        g(integers(shape.elements(), seed, 2)),
        y(integers(shape.elements(), seed + 1, 3)),
        mean(integers(shape.c, seed + 2, 1)),
        inv_std(deviations(shape.c, seed + 3)),
        a(steps(shape.c, seed + 4, 2, 0.5F)),
        b(steps(shape.c, seed + 5, 2, 0.5F)) {}

  /// The gradient as it is loaded.
  std::vector<double> gradient(bool due) const {
    return due ? reference::deferred_gradient(
                     {widened(mean), widened(inv_std), widened(a), widened(b)}, widened(g),
                     widened(y))
               : widened(g);
  }

  Shape shape;
  std::vector<float> g, y, mean, inv_std, a, b;
};

class DeferredTensors {
 public:
  DeferredTensors(const DeferredData& data, Layout of_g, Layout of_y, DType dtype = DType::f32)
      : g_(filled(data.shape, of_g, data.g, dtype)),
        y_(filled(data.shape, of_y, data.y, dtype)),
        mean_(NormTensors::vector(data.mean)),
        inv_std_(NormTensors::vector(data.inv_std)),
        a_(NormTensors::vector(data.a)),
        b_(NormTensors::vector(data.b)) {}

  kernels::DeferredGradient view(bool due) const {
    if (!due) {
      return {.g = g_.view()};
    }
    return {g_.view(), y_.view(), mean_.view(), inv_std_.view(), a_.view(), b_.view()};
  }
  void require_undamaged() const { test::require_undamaged({&g_, &y_}); }

 private:
  GuardedTensor g_, y_, mean_, inv_std_, a_, b_;
};

/// Where a reader puts its gradient, and what was there before.
struct GradientBefore {
  explicit GradientBefore(const Shape& shape)
      : g(integers(shape.elements(), 51, 9)), a(uniform(shape.c, 52)), b(uniform(shape.c, 53)) {}
  std::vector<float> g, a, b;
};

/// What a gradient goes through on its way to x: nothing, a norm with statistics of the batch,
/// which makes it a deferred one, or a norm with constants.
enum class Through : std::uint8_t { nothing, batch_norm, constant_norm };

struct GradientKind {
  Through through;
  GradMode mode;
};
inline std::vector<GradientKind> all_gradient_kinds() {
  return {{Through::nothing, GradMode::overwrite},
          {Through::nothing, GradMode::accumulate},
          {Through::batch_norm, GradMode::overwrite},
          {Through::batch_norm, GradMode::accumulate},
          {Through::constant_norm, GradMode::overwrite},
          {Through::constant_norm, GradMode::accumulate}};
}
inline std::vector<GradientKind> gradient_kinds(bool with_norm) {
  const std::vector<GradientKind> all = all_gradient_kinds();
  return with_norm ? std::vector<GradientKind>(all.begin() + 2, all.end())
                   : std::vector<GradientKind>(all.begin(), all.begin() + 2);
}

class GradientTensors {
 public:
  GradientTensors(const Shape& shape, Layout layout, const GradientKind& kind,
                  const GradientBefore& before, DType dtype = DType::f32)
      : kind_(kind),
        g_(gradient_target(shape, layout, kind.mode, before.g, dtype)),
        a_(gradient_target(channel_vector(shape.c), {}, kind.mode, before.a)),
        b_(gradient_target(channel_vector(shape.c), {}, kind.mode, before.b)),
        grad_gamma_(poisoned(channel_vector(shape.c), {})),
        grad_beta_(poisoned(channel_vector(shape.c), {})) {}

  kernels::NormReluGradient view() {
    kernels::NormReluGradient gradient = {.g = g_.view(), .mode = kind_.mode};
    if (kind_.through == Through::batch_norm) {
      gradient.a = a_.view();
      gradient.b = b_.view();
    }
    if (kind_.through != Through::nothing) {
      gradient.grad_gamma = grad_gamma_.view();
      gradient.grad_beta = grad_beta_.view();
    }
    return gradient;
  }
  void append_to(Outputs& outputs) const {
    require_undamaged({&g_, &a_, &b_, &grad_gamma_, &grad_beta_});
    outputs.push_back(g_.values());
    if (kind_.through == Through::batch_norm) {
      outputs.push_back(a_.values());
      outputs.push_back(b_.values());
    }
    if (kind_.through != Through::nothing) {
      outputs.push_back(grad_gamma_.values());
      outputs.push_back(grad_beta_.values());
    }
  }
  Outputs outputs() const {
    Outputs outputs;
    append_to(outputs);
    return outputs;
  }

 private:
  GradientKind kind_;
  GuardedTensor g_, a_, b_, grad_gamma_, grad_beta_;
};

/// What GradientTensors must hold in the end, where `grad` is the gradient of what a reader makes
/// of x: g within `of_g`, the sums over pixels within `of_sums`.
inline std::vector<Expected> expected_gradient(const std::vector<float>& x, const NormData& norm,
                                               const std::vector<double>& grad,
                                               const GradientKind& kind,
                                               const GradientBefore& before, Tolerance of_g = {},
                                               Tolerance of_sums = {1e-6, 1e-6},
                                               DType dtype = DType::f32) {
  const auto g = [&](const std::vector<double>& exact) -> Expected {
    return {as_stored(in_mode(kind.mode, exact, before.g), dtype), of_g};
  };
  if (kind.through == Through::nothing) {
    return {g(grad)};
  }
  const auto of_x = reference::norm_relu_gradient(norm.reference(), widened(x), grad);
  const Expected gamma = {of_x.gamma, of_sums};
  const Expected beta = {of_x.beta, of_sums};
  if (kind.through == Through::constant_norm) {
    return {g(of_x.constant), gamma, beta};
  }
  return {g(of_x.g),
          {in_mode(kind.mode, of_x.a, before.a), of_sums},
          {in_mode(kind.mode, of_x.b, before.b), of_sums},
          gamma,
          beta};
}

/// Where a writer puts its statistics.
class StatisticsTensors {
 public:
  explicit StatisticsTensors(std::int64_t channels)
      : mean_(poisoned(channel_vector(channels), {})),
        variance_(poisoned(channel_vector(channels), {})),
        inv_std_(poisoned(channel_vector(channels), {})) {}

  kernels::StatisticsOutput view() {
    return {mean_.view(), variance_.view(), inv_std_.view(), 1e-5F};
  }
  kernels::StatisticsOutput view_if(bool wanted) {
    return wanted ? view() : kernels::StatisticsOutput();
  }
  void append_to(Outputs& outputs) const {
    require_undamaged({&mean_, &variance_, &inv_std_});
    for (const GuardedTensor* tensor : {&mean_, &variance_, &inv_std_}) {
      outputs.push_back(tensor->values());
    }
  }

 private:
  GuardedTensor mean_, variance_, inv_std_;
};

}  // namespace accrete::test
