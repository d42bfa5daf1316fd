// SPDX-License-Identifier: Apache-2.0
// One convolution with its data, its double-precision results and the calls under test.
#pragma once

#include <vector>

#include "accrete/kernels/conv.h"
#include "kernels/every_run.h"
#include "kernels/scratch.h"
#include "reference/conv.h"
#include "support/random_fill.h"

namespace accrete::test {

/// Whole numbers, whose sums are exact in any order, or uniform in [-1, 1).
enum class Fill { whole, uniform };

struct ConvCase {
  ConvCase(const ConvProblem& problem_in, Fill fill)
      : problem(problem_in),
        x(values(problem.x_shape(), 1, fill)),
        weight(values(problem.weight_shape(), 2, fill)),
        bias(values(channel_vector(problem.K), 3, fill)),
        grad_y(values(problem.y_shape(), 4, fill)),
        grad_x_before(values(problem.x_shape(), 5, fill)),
        grad_weight_before(values(problem.weight_shape(), 6, fill)) {}

  static std::vector<float> values(const Shape& shape, std::uint64_t seed, Fill fill) {
    return fill == Fill::whole ? integers(shape.elements(), seed, 3)
                               : uniform(shape.elements(), seed);
  }

  ConvProblem problem;
  std::vector<float> x, weight, bias, grad_y, grad_x_before, grad_weight_before;
};

inline std::vector<float> run_forward(const ConvCase& data, const Run& run, bool with_bias) {
  const GuardedTensor x = filled(data.problem.x_shape(), run.in, data.x, run.dtype);
  const GuardedTensor weight = filled(data.problem.weight_shape(), {}, data.weight, run.dtype);
  const GuardedTensor bias = filled(channel_vector(data.problem.K), {}, data.bias);
  GuardedTensor y = poisoned(data.problem.y_shape(), run.out, run.dtype);
  Scratch scratch(kernels::conv_forward_workspace_bytes(data.problem, test_device(), run.dtype));
  kernels::conv_forward(run.stream, data.problem, x.view(), weight.view(),
                        with_bias ? bias.view() : ConstTensorView(), y.view(), scratch.workspace());
  require_undamaged({&x, &weight, &bias, &y});
  REQUIRE(scratch.intact());
  return y.values();
}

inline GuardedTensor gradient_target(const Shape& shape, Layout layout, GradMode mode,
                                     const std::vector<float>& before, DType dtype = DType::f32) {
  return mode == GradMode::accumulate ? filled(shape, layout, before, dtype)
                                      : poisoned(shape, layout, dtype);
}

inline std::vector<float> run_dgrad(const ConvCase& data, const Run& run, GradMode mode) {
  const GuardedTensor grad_y = filled(data.problem.y_shape(), run.in, data.grad_y, run.dtype);
  const GuardedTensor weight = filled(data.problem.weight_shape(), {}, data.weight, run.dtype);
  GuardedTensor grad_x =
      gradient_target(data.problem.x_shape(), run.out, mode, data.grad_x_before, run.dtype);
  Scratch scratch(kernels::conv_dgrad_workspace_bytes(data.problem, test_device(), run.dtype));
  kernels::conv_dgrad(run.stream, data.problem, grad_y.view(), weight.view(), grad_x.view(), mode,
                      scratch.workspace());
  require_undamaged({&grad_y, &weight, &grad_x});
  REQUIRE(scratch.intact());
  return grad_x.values();
}

inline std::vector<float> run_wgrad(const ConvCase& data, const Run& run, GradMode mode) {
  const GuardedTensor x = filled(data.problem.x_shape(), run.in, data.x, run.dtype);
  const GuardedTensor grad_y = filled(data.problem.y_shape(), run.out, data.grad_y, run.dtype);
  GuardedTensor grad_weight =
      gradient_target(data.problem.weight_shape(), {}, mode, data.grad_weight_before);
  Scratch scratch(kernels::conv_wgrad_workspace_bytes(data.problem, test_device(), run.dtype));
  kernels::conv_wgrad(run.stream, data.problem, x.view(), grad_y.view(), grad_weight.view(), mode,
                      scratch.workspace());
  require_undamaged({&x, &grad_y, &grad_weight});
  REQUIRE(scratch.intact());
  return grad_weight.values();
}

inline std::vector<double> added(std::vector<double> sum, const std::vector<float>& before) {
  for (std::size_t i = 0; i < sum.size(); ++i) {
    sum[i] += static_cast<double>(before[i]);
  }
  return sum;
}

/// What `all_outputs` must be: forward without and with bias, then both gradients, overwritten and
/// accumulated. Gradients of weights are f32 whatever `dtype` is.
inline std::vector<Expected> expected_outputs(const ConvCase& data, Fill fill,
                                              DType dtype = DType::f32) {
  const ConvProblem& p = data.problem;
  const auto x = widened(data.x);
  const auto weight = widened(data.weight);
  const auto grad_y = widened(data.grad_y);
  const auto grad_x = reference::conv_dgrad(p, grad_y, weight);
  const auto grad_weight = reference::conv_wgrad(p, x, grad_y);
  const auto tolerance = [fill](std::int64_t terms) {
    return fill == Fill::whole ? Tolerance{} : sum_tolerance(static_cast<double>(terms + 1));
  };
  const Tolerance forward = tolerance(p.R * p.S * p.C);
  const Tolerance dgrad = tolerance(p.R * p.S * p.K);
  const Tolerance wgrad = tolerance(p.y_shape().pixels());
  const auto stored = [dtype](const std::vector<double>& exact) { return as_stored(exact, dtype); };
  return {{stored(reference::conv_forward(p, x, weight, {})), forward},
          {stored(reference::conv_forward(p, x, weight, widened(data.bias))), forward},
          {stored(grad_x), dgrad},
          {stored(added(grad_x, data.grad_x_before)), dgrad},
          {grad_weight, wgrad},
          {added(grad_weight, data.grad_weight_before), wgrad}};
}

inline Outputs all_outputs(const ConvCase& data, const Run& run) {
  return {run_forward(data, run, false),
          run_forward(data, run, true),
          run_dgrad(data, run, GradMode::overwrite),
          run_dgrad(data, run, GradMode::accumulate),
          run_wgrad(data, run, GradMode::overwrite),
          run_wgrad(data, run, GradMode::accumulate)};
}

}  // namespace accrete::test
