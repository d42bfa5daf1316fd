// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/elementwise.h"

#include <limits>

#include "kernels/every_run.h"
#include "reference/operations.h"
#include "support/random_fill.h"

using namespace accrete;
using namespace accrete::test;

TEST_CASE("relu_forward is exact on every shape and placement") {
  for (const Shape& shape : row_shapes()) {
    INFO("shape " << to_string(shape));
    const auto x = integers(shape.elements(), 1, 3);
    expect_every_run({{reference::relu_forward(widened(x)), {}}}, [&](const Run& run) -> Outputs {
      const GuardedTensor input = filled(shape, run.in, x);
      GuardedTensor y = poisoned(shape, run.out);
      run_call(run.stream, kernels::ReluForward{input.view(), y.view()});
      require_undamaged({&input, &y});
      return {y.values()};
    });
  }
}

TEST_CASE("relu_forward works in place") {
  const Shape shape{2, 9, 11, 33};
  const auto x = integers(shape.elements(), 2, 3);
  expect_every_run({{reference::relu_forward(widened(x)), {}}}, [&](const Run& run) -> Outputs {
    GuardedTensor tensor = filled(shape, run.in, x);
    run_call(run.stream, kernels::ReluForward{tensor.view(), tensor.view()});
    require_undamaged({&tensor});
    return {tensor.values()};
  });
}

TEST_CASE("relu_forward keeps NaN and infinity") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const Shape shape{1, 1, 1, 20};
  std::vector<double> expected(20, 0.0);
  std::vector<float> x(20, -1.0F);
  for (const std::size_t i : {0U, 7U, 19U}) {
    x[i] = std::numeric_limits<float>::quiet_NaN();
    expected[i] = nan;
  }
  x[3] = std::numeric_limits<float>::infinity();
  expected[3] = infinity;
  x[4] = -std::numeric_limits<float>::infinity();
  expect_every_run({{expected, {}}}, [&](const Run& run) -> Outputs {
    const GuardedTensor input = filled(shape, run.in, x);
    GuardedTensor y = poisoned(shape, run.out);
    run_call(run.stream, kernels::ReluForward{input.view(), y.view()});
    return {y.values()};
  });
}

TEST_CASE("relu_backward overwrites, accumulates and works in place") {
  for (const Shape& shape : row_shapes()) {
    INFO("shape " << to_string(shape));
    const auto y = reference::relu_forward(widened(integers(shape.elements(), 3, 2)));
    const std::vector<float> output(y.begin(), y.end());
    const auto grad_y = integers(shape.elements(), 4, 50);
    const auto before = integers(shape.elements(), 5, 50);
    const auto gradient = reference::relu_backward(widened(grad_y), y);
    const std::vector<Expected> expected = {
        {gradient, {}}, {plus(gradient, before), {}}, {gradient, {}}};
    expect_every_run(expected, [&](const Run& run) -> Outputs {
      const GuardedTensor in = filled(shape, run.in, output);
      GuardedTensor dy = filled(shape, run.out, grad_y);
      GuardedTensor overwritten = poisoned(shape, run.in);
      GuardedTensor accumulated = filled(shape, run.out, before);
      run_call(run.stream, kernels::ReluBackward{dy.view(), in.view(), overwritten.view()});
      run_call(run.stream, kernels::ReluBackward{dy.view(), in.view(), accumulated.view(),
                                                 GradMode::accumulate});
      run_call(run.stream, kernels::ReluBackward{dy.view(), in.view(), dy.view()});
      require_undamaged({&in, &dy, &overwritten, &accumulated});
      return {overwritten.values(), accumulated.values(), dy.values()};
    });
  }
}

TEST_CASE("relu names the op and both shapes in its errors") {
  const auto error = [](const auto& call) {
    return error_of([&] { kernels::run(test_stream(0), call); });
  };
  GuardedTensor x({2, 3, 3, 8});
  GuardedTensor y({2, 3, 3, 9});
  CHECK(error(kernels::ReluForward{x.view(), y.view()}) ==
        "[relu_forward] y is [2,3,3,9], expected [2,3,3,8]");
  CHECK(error(kernels::ReluBackward{x.view(), y.view(), y.view()}) ==
        "[relu_backward] grad_y is [2,3,3,8], expected [2,3,3,9]");
  CHECK_THAT(error(kernels::ReluForward{{}, y.view()}),
             Catch::Matchers::Contains("[relu_forward] x: impossible shape [0,0,0,0]"));
}
