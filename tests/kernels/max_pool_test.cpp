// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "accrete/kernels/pool.h"
#include "kernels/pool_cases.h"
#include "reference/pool.h"
#include "support/random_fill.h"

using namespace accrete;
using namespace accrete::test;

namespace {

// Winning taps, each one that no window has.
GuardedTensor no_winners(const Shape& shape) {
  return filled(shape, {}, std::vector<float>(static_cast<std::size_t>(shape.elements()), 255.0F),
                DType::u8);
}

void check_forward(const PoolProblem& problem, const std::vector<float>& x) {
  INFO(describe(problem));
  const auto expected = reference::max_pool_forward(problem, widened(x));
  const std::vector<double> winner(expected.winner.begin(), expected.winner.end());
  const Shape y_shape = problem.y_shape();
  expect_every_run(
      {{expected.y, {}}, {winner, {}}, {expected.y, {}}}, [&](const Run& run) -> Outputs {
        const GuardedTensor input = filled(problem.x_shape(), run.in, x);
        GuardedTensor y = poisoned(y_shape, run.out);
        GuardedTensor inference = poisoned(y_shape, run.out);
        GuardedTensor winners = no_winners(y_shape);
        kernels::max_pool_forward(run.stream, problem, input.view(), y.view(), winners.view());
        kernels::max_pool_forward(run.stream, problem, input.view(), inference.view(),
                                  TensorView());
        require_undamaged({&input, &y, &inference, &winners});
        return {y.values(), winners.values(), inference.values()};
      });
}

}  // namespace

TEST_CASE("max_pool_forward is exact, ties go to the first tap") {
  for (const PoolProblem& problem : pool_problems()) {
    check_forward(problem, integers(problem.x_shape().elements(), 1, 3));
  }
}

TEST_CASE("max_pool_forward never lets padding win over negative values") {
  PoolProblem problem = pool_windows()[0];
  problem.C = 20;
  check_forward(problem, uniform(problem.x_shape().elements(), 2, -9.0F, -1.0F));
  check_forward(problem, std::vector<float>(static_cast<std::size_t>(problem.x_shape().elements()),
                                            -std::numeric_limits<float>::infinity()));
}

TEST_CASE("max_pool_forward passes NaN on, the first of a window wins") {
  PoolProblem problem = pool_windows()[0];
  problem.C = 20;
  auto x = integers(problem.x_shape().elements(), 3, 5);
  const auto draw = uniform(problem.x_shape().elements(), 4, 0.0F, 1.0F);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (draw[i] < 0.15F) {
      x[i] = std::numeric_limits<float>::quiet_NaN();
    }
  }
  check_forward(problem, x);
}

TEST_CASE("max_pool_backward gives each window's gradient to its winner") {
  for (const PoolProblem& problem : pool_problems()) {
    INFO(describe(problem));
    const Shape x_shape = problem.x_shape();
    const Shape y_shape = problem.y_shape();
    const auto forward =
        reference::max_pool_forward(problem, widened(integers(x_shape.elements(), 5, 3)));
    const auto grad_y = integers(y_shape.elements(), 6, 100);
    const auto before = integers(x_shape.elements(), 7, 100);
    const auto gradient = reference::max_pool_backward(problem, widened(grad_y), forward.winner);
    auto sum = widened(before);
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i] += gradient[i];
    }
    expect_every_run({{gradient, {}}, {sum, {}}}, [&](const Run& run) -> Outputs {
      const GuardedTensor dy = filled(y_shape, run.in, grad_y);
      const GuardedTensor winners =
          filled(y_shape, {}, {forward.winner.begin(), forward.winner.end()}, DType::u8);
      GuardedTensor overwritten = poisoned(x_shape, run.out);
      GuardedTensor accumulated = filled(x_shape, run.out, before);
      kernels::max_pool_backward(run.stream, problem, dy.view(), winners.view(), overwritten.view(),
                                 GradMode::overwrite);
      kernels::max_pool_backward(run.stream, problem, dy.view(), winners.view(), accumulated.view(),
                                 GradMode::accumulate);
      require_undamaged({&dy, &winners, &overwritten, &accumulated});
      return {overwritten.values(), accumulated.values()};
    });
  }
}

TEST_CASE("max_pool_backward agrees with finite differences") {
  const PoolProblem problem = {.N = 1,
                               .H = 6,
                               .W = 5,
                               .C = 3,
                               .R = 3,
                               .S = 3,
                               .stride_h = 2,
                               .stride_w = 2,
                               .pad_h = 1,
                               .pad_w = 1};
  const auto x = uniform(problem.x_shape().elements(), 8);
  const auto grad_y = uniform(problem.y_shape().elements(), 9);
  const auto loss = [&](const std::vector<double>& at) {
    const auto y = reference::max_pool_forward(problem, at).y;
    double total = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      total += y[i] * static_cast<double>(grad_y[i]);
    }
    return total;
  };
  std::vector<double> slopes;
  for (std::size_t i = 0; i < x.size(); ++i) {
    std::vector<double> above = widened(x);
    std::vector<double> below = above;
    above[i] += 1e-6;
    below[i] -= 1e-6;
    slopes.push_back((loss(above) - loss(below)) / 2e-6);
  }
  expect_every_run({{slopes, {1e-6, 1e-6}}}, [&](const Run& run) -> Outputs {
    const GuardedTensor input = filled(problem.x_shape(), run.in, x);
    GuardedTensor y = poisoned(problem.y_shape(), run.out);
    GuardedTensor winners = no_winners(problem.y_shape());
    const GuardedTensor dy = filled(problem.y_shape(), run.out, grad_y);
    GuardedTensor grad_x = poisoned(problem.x_shape(), run.in);
    kernels::max_pool_forward(run.stream, problem, input.view(), y.view(), winners.view());
    kernels::max_pool_backward(run.stream, problem, dy.view(), winners.view(), grad_x.view(),
                               GradMode::overwrite);
    return {grad_x.values()};
  });
}

TEST_CASE("max pool errors name the op and both shapes") {
  const Stream stream = test_stream(0);
  const PoolProblem problem = {
      .N = 1, .H = 4, .W = 4, .C = 8, .R = 2, .S = 2, .stride_h = 2, .stride_w = 2};
  GuardedTensor x({1, 4, 4, 8});
  GuardedTensor y({1, 2, 2, 8});
  GuardedTensor sliced({1, 2, 2, 8}, {0, 4}, DType::u8);
  CHECK(error_of([&] {
          kernels::max_pool_forward(stream, problem, x.view(), x.view(), TensorView());
        }) == "[max_pool_forward] y is [1,4,4,8], expected [1,2,2,8]");
  CHECK(error_of([&] {
          kernels::max_pool_forward(stream, problem, x.view(), y.view(), sliced.view());
        }) == "[max_pool_forward] winner [1,2,2,8] must be packed, has pitch 12");
  CHECK(error_of([&] {
          kernels::max_pool_backward(stream, problem, y.view(), y.view(), x.view(),
                                     GradMode::overwrite);
        }) == "[max_pool_backward] winner is f32, expected u8");
}
