// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "kernels/pool_cases.h"
#include "reference/batch_norm.h"
#include "reference/operations.h"

using namespace accrete;
using namespace accrete::test;

namespace {

// Winning taps, each one that no window has.
GuardedTensor no_winners(const Shape& shape) {
  return filled(shape, {}, std::vector<float>(static_cast<std::size_t>(shape.elements()), 255.0F),
                DType::u8);
}

// With and without winners and statistics, which only a pool that normalises takes.
void check_forward(const PoolProblem& problem, const PoolInput& input) {
  INFO(describe(problem) << ", norm " << input.with_norm);
  const Shape y_shape = problem.y_shape();
  const auto max = reference::max_pool_forward(problem, input.read());
  const std::vector<double> winner(max.winner.begin(), max.winner.end());
  std::vector<Expected> expected = {{max.y, {}}, {winner, {}}, {max.y, {}}};
  if (input.with_norm) {
    const auto s = reference::batch_statistics(y_shape, max.y, 1e-5);
    append(expected,
           {{s.mean, {1e-6, 1e-6}}, {s.variance, {2e-6, 2e-6}}, {s.inv_std, {1e-6, 1e-4}}});
  }
  expect_every_run(expected, [&](const Run& run) -> Outputs {
    const PoolTensors from(input, run.in);
    GuardedTensor y = poisoned(y_shape, run.out);
    GuardedTensor inference = poisoned(y_shape, run.out);
    GuardedTensor winners = no_winners(y_shape);
    StatisticsTensors statistics(problem.C);
    run_call(run.stream,
             kernels::MaxPoolForward{.problem = problem,
                                     .x = from.x.view(),
                                     .norm = from.norm,
                                     .y = y.view(),
                                     .winner = winners.view(),
                                     .statistics = statistics.view_if(input.with_norm)});
    run_call(run.stream,
             kernels::MaxPoolForward{
                 .problem = problem, .x = from.x.view(), .norm = from.norm, .y = inference.view()});
    require_undamaged({&from.x, &y, &inference, &winners});
    Outputs outputs = {y.values(), winners.values(), inference.values()};
    if (input.with_norm) {
      statistics.append_to(outputs);
    }
    return outputs;
  });
}

void check_backward(const PoolProblem& problem, const PoolInput& input, bool due) {
  INFO(describe(problem) << ", norm " << input.with_norm << ", due " << due);
  const DeferredData gradient(problem.y_shape());
  const auto winner = reference::max_pool_forward(problem, input.read()).winner;
  const auto expected = input.expected(
      reference::max_pool_backward(problem, gradient.gradient(due), winner), {}, {1e-6, 1e-6});
  expect_every_run(expected, [&](const Run& run) -> Outputs {
    const PoolTensors from(input, run.in);
    const DeferredTensors grad_y(gradient, run.in, run.out);
    const GuardedTensor winners =
        filled(problem.y_shape(), {}, {winner.begin(), winner.end()}, DType::u8);
    Outputs outputs;
    for (const GradientKind& kind : input.kinds) {
      GradientTensors grad_x(input.shape, run.out, kind, input.before);
      run_call(run.stream, kernels::MaxPoolBackward{.problem = problem,
                                                    .grad_y = grad_y.view(due),
                                                    .winner = winners.view(),
                                                    .x = from.x_if_read(),
                                                    .norm = from.norm,
                                                    .grad_x = grad_x.view()});
      grad_x.append_to(outputs);
    }
    require_undamaged({&from.x, &winners});
    grad_y.require_undamaged();
    return outputs;
  });
}

}  // namespace

TEST_CASE("max_pool_forward is exact, ties go to the first tap") {
  for (const bool with_norm : {false, true}) {
    for (const PoolProblem& problem : pool_problems(with_norm)) {
      check_forward(problem, {problem.x_shape(), with_norm});
    }
  }
}

TEST_CASE("max_pool_forward never lets padding win over negative values") {
  PoolProblem problem = pool_windows()[0];
  problem.C = 20;
  const Shape shape = problem.x_shape();
  check_forward(problem, {shape, uniform(shape.elements(), 2, -9.0F, -1.0F), false});
  const std::vector<float> lowest(static_cast<std::size_t>(shape.elements()),
                                  -std::numeric_limits<float>::infinity());
  check_forward(problem, {shape, lowest, false});
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
  check_forward(problem, {problem.x_shape(), x, false});
}

TEST_CASE("max_pool_backward gives each window's gradient to its winner") {
  for (const bool with_norm : {false, true}) {
    for (const PoolProblem& problem : pool_problems(with_norm)) {
      for (const bool due : {false, true}) {
        check_backward(problem, {problem.x_shape(), with_norm}, due);
      }
    }
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
    run_call(run.stream,
             kernels::MaxPoolForward{
                 .problem = problem, .x = input.view(), .y = y.view(), .winner = winners.view()});
    run_call(run.stream, kernels::MaxPoolBackward{.problem = problem,
                                                  .grad_y = {.g = dy.view()},
                                                  .winner = winners.view(),
                                                  .grad_x = {.g = grad_x.view()}});
    return {grad_x.values()};
  });
}

TEST_CASE("max pool errors name the op and both shapes") {
  using namespace kernels;
  const PoolProblem problem = {
      .N = 1, .H = 4, .W = 4, .C = 8, .R = 2, .S = 2, .stride_h = 2, .stride_w = 2};
  GuardedTensor x({1, 4, 4, 8});
  GuardedTensor y({1, 2, 2, 8});
  GuardedTensor sliced({1, 2, 2, 8}, {0, 4}, DType::u8);
  const NormTensors norm(NormData(8));
  const auto error = [](const auto& call) {
    return error_of([&] { kernels::run(test_stream(0), call); });
  };
  CHECK(error(MaxPoolForward{.problem = problem, .x = x.view(), .y = x.view()}) ==
        "[max_pool_forward] y is [1,4,4,8], expected [1,2,2,8]");
  MaxPoolForward forward = {
      .problem = problem, .x = x.view(), .y = y.view(), .winner = sliced.view()};
  CHECK(error(forward) == "[max_pool_forward] winner [1,2,2,8] must be packed, has pitch 12");
  forward.winner = y.view();
  CHECK(error(forward) == "[max_pool_forward] winner is f32, expected u8");
  CHECK(error(MaxPoolBackward{.problem = problem,
                              .grad_y = {.g = y.view()},
                              .winner = y.view(),
                              .grad_x = {.g = x.view()}}) ==
        "[max_pool_backward] winner is f32, expected u8");
  CHECK_THAT(
      error(MaxPoolForward{.problem = problem, .x = x.view(), .norm = norm.view(), .y = y.view()}),
      Catch::Matchers::Contains("[max_pool_forward] workspace has 0 bytes"));
  StatisticsTensors statistics(8);
  CHECK(error(MaxPoolForward{
            .problem = problem, .x = x.view(), .y = y.view(), .statistics = statistics.view()}) ==
        "[max_pool_forward] takes statistics only of pixels that are normalised");
}
