// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/pool.h"
#include "kernels/pool_cases.h"
#include "reference/pool.h"
#include "support/random_fill.h"

using namespace accrete;
using namespace accrete::test;

namespace {

constexpr Tolerance kTolerance = {1e-6, 1e-6};

std::vector<double> plus(const std::vector<float>& before, const std::vector<double>& gradient) {
  std::vector<double> sum = widened(before);
  for (std::size_t i = 0; i < sum.size(); ++i) {
    sum[i] += gradient[i];
  }
  return sum;
}

// The whole image as one window.
PoolProblem image_window(const Shape& shape) {
  return {.kind = PoolKind::average,
          .N = shape.n,
          .H = shape.h,
          .W = shape.w,
          .C = shape.c,
          .R = shape.h,
          .S = shape.w};
}

}  // namespace

TEST_CASE("average_pool_forward with and without counted padding") {
  for (PoolProblem problem : pool_problems()) {
    for (const bool counted : {false, true}) {
      problem.count_padding = counted;
      INFO(describe(problem) << ", count_padding " << counted);
      const auto x = uniform(problem.x_shape().elements(), 1);
      const auto y = reference::average_pool_forward(problem, widened(x));
      expect_every_run({{y, kTolerance}}, [&](const Run& run) -> Outputs {
        const GuardedTensor input = filled(problem.x_shape(), run.in, x);
        GuardedTensor output = poisoned(problem.y_shape(), run.out);
        kernels::average_pool_forward(run.stream, problem, input.view(), output.view());
        require_undamaged({&input, &output});
        return {output.values()};
      });
    }
  }
}

TEST_CASE("average_pool_backward with and without counted padding") {
  for (PoolProblem problem : pool_problems()) {
    for (const bool counted : {false, true}) {
      problem.count_padding = counted;
      INFO(describe(problem) << ", count_padding " << counted);
      const auto grad_y = uniform(problem.y_shape().elements(), 2);
      const auto before = uniform(problem.x_shape().elements(), 3);
      const auto gradient = reference::average_pool_backward(problem, widened(grad_y));
      expect_every_run({{gradient, kTolerance}, {plus(before, gradient), kTolerance}},
                       [&](const Run& run) -> Outputs {
                         const GuardedTensor dy = filled(problem.y_shape(), run.in, grad_y);
                         GuardedTensor overwritten = poisoned(problem.x_shape(), run.out);
                         GuardedTensor accumulated = filled(problem.x_shape(), run.out, before);
                         kernels::average_pool_backward(run.stream, problem, dy.view(),
                                                        overwritten.view(), GradMode::overwrite);
                         kernels::average_pool_backward(run.stream, problem, dy.view(),
                                                        accumulated.view(), GradMode::accumulate);
                         require_undamaged({&dy, &overwritten, &accumulated});
                         return {overwritten.values(), accumulated.values()};
                       });
    }
  }
}

TEST_CASE("average_pool_backward agrees with finite differences") {
  const PoolProblem problem = {.kind = PoolKind::average,
                               .N = 1,
                               .H = 5,
                               .W = 6,
                               .C = 3,
                               .R = 3,
                               .S = 2,
                               .stride_h = 2,
                               .stride_w = 1,
                               .pad_h = 1,
                               .pad_w = 1};
  const auto grad_y = uniform(problem.y_shape().elements(), 4);
  std::vector<double> slopes;
  std::vector<double> x(static_cast<std::size_t>(problem.x_shape().elements()), 0.0);
  for (double& value : x) {
    double slope = 0.0;
    for (const double step : {0.5, -0.5}) {
      value = step;
      const auto y = reference::average_pool_forward(problem, x);
      for (std::size_t i = 0; i < y.size(); ++i) {
        slope += 2.0 * step * y[i] * static_cast<double>(grad_y[i]);
      }
    }
    value = 0.0;
    slopes.push_back(slope);
  }
  expect_every_run({{slopes, kTolerance}}, [&](const Run& run) -> Outputs {
    const GuardedTensor dy = filled(problem.y_shape(), run.in, grad_y);
    GuardedTensor grad_x = poisoned(problem.x_shape(), run.out);
    kernels::average_pool_backward(run.stream, problem, dy.view(), grad_x.view(),
                                   GradMode::overwrite);
    return {grad_x.values()};
  });
}

TEST_CASE("global average pool, forward and backward") {
  for (const Shape& shape : row_shapes()) {
    INFO("shape " << to_string(shape));
    const PoolProblem problem = image_window(shape);
    const auto x = uniform(shape.elements(), 5);
    const auto grad_y = uniform(problem.y_shape().elements(), 6);
    const auto before = uniform(shape.elements(), 7);
    const auto gradient = reference::average_pool_backward(problem, widened(grad_y));
    expect_every_run({{reference::average_pool_forward(problem, widened(x)), kTolerance},
                      {gradient, kTolerance},
                      {plus(before, gradient), kTolerance}},
                     [&](const Run& run) -> Outputs {
                       const GuardedTensor input = filled(shape, run.in, x);
                       GuardedTensor y = poisoned(problem.y_shape(), run.out);
                       const GuardedTensor dy = filled(problem.y_shape(), run.in, grad_y);
                       GuardedTensor overwritten = poisoned(shape, run.out);
                       GuardedTensor accumulated = filled(shape, run.out, before);
                       kernels::global_average_pool_forward(run.stream, input.view(), y.view());
                       kernels::global_average_pool_backward(
                           run.stream, dy.view(), overwritten.view(), GradMode::overwrite);
                       kernels::global_average_pool_backward(
                           run.stream, dy.view(), accumulated.view(), GradMode::accumulate);
                       require_undamaged({&input, &y, &dy, &overwritten, &accumulated});
                       return {y.values(), overwritten.values(), accumulated.values()};
                     });
  }
}

TEST_CASE("average pool errors name the op and both shapes") {
  const Stream stream = test_stream(0);
  const PoolProblem problem = {.kind = PoolKind::average,
                               .N = 1,
                               .H = 4,
                               .W = 4,
                               .C = 8,
                               .R = 2,
                               .S = 2,
                               .stride_h = 2,
                               .stride_w = 2};
  GuardedTensor x({1, 4, 4, 8});
  CHECK(error_of([&] { kernels::average_pool_forward(stream, problem, x.view(), x.view()); }) ==
        "[average_pool_forward] y is [1,4,4,8], expected [1,2,2,8]");
  CHECK(error_of([&] {
          kernels::average_pool_backward(stream, problem, x.view(), x.view(), GradMode::overwrite);
        }) == "[average_pool_backward] grad_y is [1,4,4,8], expected [1,2,2,8]");
  CHECK(error_of([&] { kernels::global_average_pool_forward(stream, x.view(), x.view()); }) ==
        "[global_average_pool_forward] y is [1,4,4,8], expected [1,1,1,8]");
}

TEST_CASE("check_pool_problem names the extent that is wrong") {
  const PoolProblem good = {.N = 1, .H = 4, .W = 4, .C = 8, .R = 2, .S = 2};
  CHECK_NOTHROW(kernels::check_pool_problem(good));
  const auto message = [&](auto change) {
    PoolProblem problem = good;
    change(problem);
    return error_of([&] { kernels::check_pool_problem(problem); });
  };
  CHECK(message([](PoolProblem& p) { p.R = 0; }) ==
        "[pool_problem] R is 0, must be at least 1 (x [1,4,4,8])");
  CHECK(message([](PoolProblem& p) { p.stride_w = -2; }) ==
        "[pool_problem] stride_w is -2, must be at least 1 (x [1,4,4,8])");
  CHECK(message([](PoolProblem& p) { p.pad_h = 2; }) ==
        "[pool_problem] pad_h is 2, must be in [0, window) with a window of 2");
  CHECK(message([](PoolProblem& p) { p.R = p.S = 16; }) ==
        "[pool_problem] window 16x16 has too many taps, at most 255 are allowed");
  CHECK(message([](PoolProblem& p) { p.S = 5; }) ==
        "[pool_problem] W + 2 * pad_w - S is -1, must be at least 0 (x [1,4,4,8])");
  CHECK(message([](PoolProblem& p) { p.C = 0; }).find("[pool_problem] x: impossible shape") == 0);
}
