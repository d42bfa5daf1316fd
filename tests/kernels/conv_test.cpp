// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "kernels/conv_case.h"
#include "kernels/conv_problems.h"

using namespace accrete;
using namespace accrete::test;

namespace {

void expect_exact(const ConvProblem& problem) {
  INFO(describe(problem));
  const ConvCase data(problem);
  expect_every_run(expected_plain(data), [&](const Run& run) { return plain_outputs(data, run); });
}

}  // namespace

TEST_CASE("convolution of whole numbers is exact for every shape and placement") {
  for (const ConvProblem& problem : conv_problems()) {
    expect_exact(problem);
  }
}

// Enough pixels for several tasks, several parts of the weight gradient and several packed chunks
// per part; enough columns for several blocks of columns.
TEST_CASE("convolution of whole numbers is exact over many tasks") {
  const std::vector<ConvProblem> large = {{2, 31, 23, 3, 12, 3, 3, 1, 1, 1, 1},
                                          {3, 25, 29, 12, 10, 1, 1, 1, 1, 0, 0},
                                          {1, 4, 5, 100, 10, 3, 3, 1, 1, 1, 1}};
  for (const ConvProblem& problem : large) {
    expect_exact(problem);
  }
}

TEST_CASE("convolution of fractions stays within rounding") {
  const std::vector<ConvProblem> chosen = {{2, 17, 13, 33, 24, 3, 3, 1, 1, 1, 1},
                                           {2, 23, 19, 64, 33, 1, 1, 1, 1, 0, 0},
                                           {1, 33, 31, 3, 48, 7, 7, 2, 2, 3, 3}};
  for (const ConvProblem& problem : chosen) {
    INFO(describe(problem));
    const ConvCase data(problem, Numbers::fractions);
    expect_every_run(expected_plain(data),
                     [&](const Run& run) { return plain_outputs(data, run); });
  }
}

TEST_CASE("linear layers match the definition for every shape and placement") {
  for (const ConvProblem& problem : linear_problems()) {
    expect_exact(problem);
  }
}

// Large aligned results take another way to memory.
TEST_CASE("convolution writes large aligned slices") {
  const ConvProblem problem = {1, 251, 251, 3, 50, 1, 1, 1, 1, 0, 0};
  const Layout slice = {0, 14};  // pitch 64
  const ConvCase data(problem);
  const auto expected = expected_forward(data, {.bias = true});
  for (std::size_t way = 0; way < arithmetics().size(); ++way) {
    const Arithmetic arithmetic(way);
    check_outputs(run_forward(data, {test_stream(1), {}, slice}, {.bias = true}), expected);
  }
}

TEST_CASE("bias_grad sums every pixel") {
  for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 10}, Shape{3, 17, 19, 33},
                             Shape{2, 31, 29, 100}, Shape{64, 1, 1, 130}}) {
    INFO(to_string(shape));
    const auto grad_y = integers(shape.elements(), 7, 100);
    const auto before = integers(shape.c, 8, 100);
    const auto sums = reference::bias_grad(shape, widened(grad_y));
    expect_every_run({{sums, {}}, {plus(sums, before), {}}}, [&](const Run& run) {
      Outputs outputs;
      for (const GradMode mode : kGradModes) {
        const GuardedTensor from = filled(shape, run.in, grad_y);
        GuardedTensor to = gradient_target(channel_vector(shape.c), {}, mode, before);
        run_call(run.stream, kernels::BiasGrad{from.view(), to.view(), mode});
        require_undamaged({&from, &to});
        outputs.push_back(to.values());
      }
      return outputs;
    });
  }
}
