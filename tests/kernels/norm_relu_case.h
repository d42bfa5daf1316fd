// SPDX-License-Identifier: Apache-2.0
// The parts of fused calls with values for which f32 is exact: whole numbers and few binary
// places, so that a result or a ReLU mask that differs is wrong and not rounded.
#pragma once

#include <vector>

#include "accrete/kernels/norm_relu.h"
#include "kernels/every_run.h"
#include "kernels/scratch.h"
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
    kernels::DeferredGradient gradient;
    gradient.g = g_.view();
    if (due) {
      gradient.y = y_.view();
      gradient.mean = mean_.view();
      gradient.inv_std = inv_std_.view();
      gradient.a = a_.view();
      gradient.b = b_.view();
    }
    return gradient;
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

/// Whether the statistics of a norm are those of the batch, which makes the gradient a deferred
/// one, or constants.
enum class Statistics { of_batch, constant };

struct GradientKind {
  GradMode mode;
  Statistics statistics;
};
inline std::vector<GradientKind> gradient_kinds() {
  return {{GradMode::overwrite, Statistics::of_batch},
          {GradMode::accumulate, Statistics::of_batch},
          {GradMode::overwrite, Statistics::constant},
          {GradMode::accumulate, Statistics::constant}};
}

class GradientTensors {
 public:
  GradientTensors(const Shape& shape, Layout layout, GradMode mode, const GradientBefore& before,
                  DType dtype = DType::f32, Statistics statistics = Statistics::of_batch)
      : mode_(mode),
        deferred_(statistics == Statistics::of_batch),
        g_(target(shape, layout, mode, before.g, dtype)),
        a_(target(channel_vector(shape.c), {}, mode, before.a)),
        b_(target(channel_vector(shape.c), {}, mode, before.b)),
        grad_gamma_(poisoned(channel_vector(shape.c), {})),
        grad_beta_(poisoned(channel_vector(shape.c), {})) {}

  kernels::NormReluGradient view() {
    return {g_.view(),
            deferred_ ? a_.view() : TensorView(),
            deferred_ ? b_.view() : TensorView(),
            grad_gamma_.view(),
            grad_beta_.view(),
            mode_};
  }
  std::vector<float> g() const {
    require_undamaged({&g_});
    return g_.values();
  }
  void append_to(Outputs& outputs) const {
    require_undamaged({&g_, &a_, &b_, &grad_gamma_, &grad_beta_});
    outputs.push_back(g_.values());
    if (deferred_) {
      outputs.push_back(a_.values());
      outputs.push_back(b_.values());
    }
    outputs.push_back(grad_gamma_.values());
    outputs.push_back(grad_beta_.values());
  }

 private:
  static GuardedTensor target(const Shape& shape, Layout layout, GradMode mode,
                              const std::vector<float>& before, DType dtype = DType::f32) {
    return mode == GradMode::accumulate ? filled(shape, layout, before, dtype)
                                        : poisoned(shape, layout, dtype);
  }

  GradMode mode_;
  bool deferred_;
  GuardedTensor g_, a_, b_, grad_gamma_, grad_beta_;
};

inline std::vector<double> plus(std::vector<double> sum, const std::vector<float>& before) {
  for (std::size_t i = 0; i < sum.size(); ++i) {
    sum[i] += static_cast<double>(before[i]);
  }
  return sum;
}

/// What GradientTensors::append_to must give: g within `of_g`, the rest within rounding.
inline void expect_gradient(const reference::NormGradient& gradient, GradMode mode,
                            const GradientBefore& before, Tolerance of_g,
                            std::vector<Expected>& expected, DType dtype = DType::f32,
                            Statistics statistics = Statistics::of_batch) {
  const Tolerance sums = {1e-6, 1e-6};
  const bool accumulate = mode == GradMode::accumulate;
  const bool deferred = statistics == Statistics::of_batch;
  const std::vector<double>& g = deferred ? gradient.g : gradient.constant;
  expected.push_back({as_stored(accumulate ? plus(g, before.g) : g, dtype), of_g});
  if (deferred) {
    expected.push_back({accumulate ? plus(gradient.a, before.a) : gradient.a, sums});
    expected.push_back({accumulate ? plus(gradient.b, before.b) : gradient.b, sums});
  }
  expected.push_back({gradient.gamma, sums});
  expected.push_back({gradient.beta, sums});
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
