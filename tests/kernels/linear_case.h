// SPDX-License-Identifier: Apache-2.0
// Linear layers as the 1x1 case of convolutions: problems and the calls under test.
#pragma once

#include <vector>

#include "accrete/kernels/linear.h"
#include "kernels/conv_case.h"

namespace accrete::test {

inline ConvProblem linear_problem(std::int64_t N, std::int64_t C, std::int64_t K) {
  ConvProblem problem;
  problem.N = N;
  problem.C = C;
  problem.K = K;
  return problem;
}

inline Scratch linear_scratch(const ConvProblem& p) {
  return Scratch(kernels::linear_workspace_bytes(p.N, p.C, p.K, test_device()));
}

inline std::vector<float> run_linear_forward(const ConvCase& data, const Run& run, bool with_bias) {
  const GuardedTensor x = filled(data.problem.x_shape(), run.in, data.x);
  const GuardedTensor weight = filled(data.problem.weight_shape(), {}, data.weight);
  const GuardedTensor bias = filled(channel_vector(data.problem.K), {}, data.bias);
  GuardedTensor y = poisoned(data.problem.y_shape(), run.out);
  Scratch scratch = linear_scratch(data.problem);
  kernels::linear_forward(run.stream, x.view(), weight.view(),
                          with_bias ? bias.view() : ConstTensorView(), y.view(),
                          scratch.workspace());
  require_undamaged({&x, &weight, &bias, &y});
  REQUIRE(scratch.intact());
  return y.values();
}

inline std::vector<float> run_linear_dgrad(const ConvCase& data, const Run& run, GradMode mode) {
  const GuardedTensor grad_y = filled(data.problem.y_shape(), run.in, data.grad_y);
  const GuardedTensor weight = filled(data.problem.weight_shape(), {}, data.weight);
  GuardedTensor grad_x = gradient_target(data.problem.x_shape(), run.out, mode, data.grad_x_before);
  Scratch scratch = linear_scratch(data.problem);
  kernels::linear_dgrad(run.stream, grad_y.view(), weight.view(), grad_x.view(), mode,
                        scratch.workspace());
  require_undamaged({&grad_y, &weight, &grad_x});
  REQUIRE(scratch.intact());
  return grad_x.values();
}

inline std::vector<float> run_linear_wgrad(const ConvCase& data, const Run& run, GradMode mode) {
  const GuardedTensor x = filled(data.problem.x_shape(), run.in, data.x);
  const GuardedTensor grad_y = filled(data.problem.y_shape(), run.out, data.grad_y);
  GuardedTensor grad_weight =
      gradient_target(data.problem.weight_shape(), {}, mode, data.grad_weight_before);
  Scratch scratch = linear_scratch(data.problem);
  kernels::linear_wgrad(run.stream, x.view(), grad_y.view(), grad_weight.view(), mode,
                        scratch.workspace());
  require_undamaged({&x, &grad_y, &grad_weight});
  REQUIRE(scratch.intact());
  return grad_weight.values();
}

inline std::vector<ConvProblem> linear_problems() {
  return {linear_problem(1, 1, 1),     linear_problem(1, 300, 10),   linear_problem(3, 17, 33),
          linear_problem(64, 100, 10), linear_problem(16, 33, 1000), linear_problem(130, 64, 100)};
}

/// In the order of expected_outputs().
inline Outputs linear_outputs(const ConvCase& data, const Run& run) {
  return {run_linear_forward(data, run, false),
          run_linear_forward(data, run, true),
          run_linear_dgrad(data, run, GradMode::overwrite),
          run_linear_dgrad(data, run, GradMode::accumulate),
          run_linear_wgrad(data, run, GradMode::overwrite),
          run_linear_wgrad(data, run, GradMode::accumulate)};
}

}  // namespace accrete::test
