// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool_cases.h"
#include "reference/operations.h"

using namespace accrete;
using namespace accrete::test;

namespace {

// Sums of a window are divided by its taps.
constexpr Tolerance kTolerance = {1e-6, 1e-6};
constexpr Tolerance kNormTolerance = {2e-6, 1e-6};

PoolInput input_of(const Shape& shape, bool with_norm) {
  return with_norm ? PoolInput(shape, true) : PoolInput(shape, uniform(shape.elements(), 1), false);
}
std::vector<float> gradient_of(const Shape& y, bool with_norm) {
  return with_norm ? integers(y.elements(), 2, 5) : uniform(y.elements(), 2);
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

kernels::AveragePoolForward forward(const PoolProblem& problem, const PoolTensors& from,
                                    const TensorView& y) {
  return {problem, from.x.view(), from.norm, y};
}
kernels::AveragePoolBackward backward(const PoolProblem& problem, const PoolTensors& from,
                                      const ConstTensorView& grad_y,
                                      const kernels::NormReluGradient& grad_x) {
  return {problem, grad_y, from.x_if_read(), from.norm, grad_x};
}
// Of the problem image_window().
kernels::GlobalAveragePoolForward global_forward(const PoolProblem& /*problem*/,
                                                 const PoolTensors& from, const TensorView& y) {
  return {from.x.view(), from.norm, y};
}
kernels::GlobalAveragePoolBackward global_backward(const PoolProblem& /*problem*/,
                                                   const PoolTensors& from,
                                                   const ConstTensorView& grad_y,
                                                   const kernels::NormReluGradient& grad_x) {
  return {grad_y, from.x_if_read(), from.norm, grad_x};
}

// Both calls, as they are made of tensors. Sums over the pixels with a norm are within `of_sums`.
template <class Forward, class Backward>
void check(const PoolProblem& problem, bool with_norm, Tolerance of_sums,
           const Forward& make_forward, const Backward& make_backward) {
  INFO(describe(problem) << ", count_padding " << problem.count_padding << ", norm " << with_norm);
  const PoolInput input = input_of(problem.x_shape(), with_norm);
  const auto gradient = gradient_of(problem.y_shape(), with_norm);
  const Tolerance tolerance = with_norm ? kNormTolerance : kTolerance;
  std::vector<Expected> expected = {
      {reference::average_pool_forward(problem, input.read()), tolerance}};
  append(expected, input.expected(reference::average_pool_backward(problem, widened(gradient)),
                                  tolerance, of_sums));
  expect_every_run(expected, [&](const Run& run) -> Outputs {
    const PoolTensors from(input, run.in);
    const GuardedTensor grad_y = filled(problem.y_shape(), with_norm ? run.out : run.in, gradient);
    GuardedTensor y = poisoned(problem.y_shape(), run.out);
    run_call(run.stream, make_forward(problem, from, y.view()));
    Outputs outputs = {y.values()};
    for (const GradientKind& kind : input.kinds) {
      GradientTensors grad_x(input.shape, run.out, kind, input.before);
      run_call(run.stream, make_backward(problem, from, grad_y.view(), grad_x.view()));
      grad_x.append_to(outputs);
    }
    require_undamaged({&from.x, &grad_y, &y});
    return outputs;
  });
}

}  // namespace

TEST_CASE("average pool with and without counted padding") {
  for (const bool with_norm : {false, true}) {
    for (PoolProblem problem : pool_problems(with_norm)) {
      for (const bool counted : {false, true}) {
        problem.count_padding = counted;
        check(problem, with_norm, {5e-5, 1e-6}, forward, backward);
      }
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
    run_call(run.stream,
             kernels::AveragePoolBackward{
                 .problem = problem, .grad_y = dy.view(), .grad_x = {.g = grad_x.view()}});
    return {grad_x.values()};
  });
}

TEST_CASE("global average pool") {
  for (const Shape& shape : row_shapes()) {
    check(image_window(shape), false, {}, global_forward, global_backward);
  }
  for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 33}, Shape{3, 7, 7, 530},
                             Shape{9, 4, 4, 64}, Shape{70, 1, 1, 12}}) {
    check(image_window(shape), true, {5e-6, 1e-6}, global_forward, global_backward);
  }
}

TEST_CASE("average pool errors name the op and both shapes") {
  using namespace kernels;
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
  const auto error = [](const auto& call) {
    return error_of([&] { kernels::run(test_stream(0), call); });
  };
  CHECK(error(AveragePoolForward{.problem = problem, .x = x.view(), .y = x.view()}) ==
        "[average_pool_forward] y is [1,4,4,8], expected [1,2,2,8]");
  CHECK(error(AveragePoolBackward{
            .problem = problem, .grad_y = x.view(), .grad_x = {.g = x.view()}}) ==
        "[average_pool_backward] grad_y is [1,4,4,8], expected [1,2,2,8]");
  CHECK(error(GlobalAveragePoolForward{.x = x.view(), .y = x.view()}) ==
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
