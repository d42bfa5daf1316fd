// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/linear.h"

#include "kernels/conv_case.h"

using namespace accrete;
using namespace accrete::test;

namespace {

ConvProblem linear(std::int64_t N, std::int64_t C, std::int64_t K) {
  ConvProblem problem;
  problem.N = N;
  problem.C = C;
  problem.K = K;
  return problem;
}

Scratch linear_scratch(const ConvProblem& p) {
  return Scratch(kernels::linear_workspace_bytes(p.N, p.C, p.K, test_device()));
}

std::vector<float> forward(const ConvCase& data, const Run& run, bool with_bias) {
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

std::vector<float> dgrad(const ConvCase& data, const Run& run, GradMode mode) {
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

std::vector<float> wgrad(const ConvCase& data, const Run& run, GradMode mode) {
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

}  // namespace

TEST_CASE("linear layers match the definition for every shape and placement") {
  for (const ConvProblem& problem :
       {linear(1, 1, 1), linear(1, 300, 10), linear(3, 17, 33), linear(64, 100, 10),
        linear(16, 33, 1000), linear(130, 64, 100)}) {
    INFO("N " << problem.N << ", C " << problem.C << ", K " << problem.K);
    const ConvCase data(problem, Fill::whole);
    expect_every_run(expected_outputs(data, Fill::whole), [&](const Run& run) -> Outputs {
      return {forward(data, run, false),
              forward(data, run, true),
              dgrad(data, run, GradMode::overwrite),
              dgrad(data, run, GradMode::accumulate),
              wgrad(data, run, GradMode::overwrite),
              wgrad(data, run, GradMode::accumulate)};
    });
  }
}
