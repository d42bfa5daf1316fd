// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/conv.h"
#include "kernels/conv_problems.h"
#include "kernels/fused_conv_case.h"

using namespace accrete;
using namespace accrete::test;

namespace {

// The awkward ones, and enough pixels for several tasks, parts and packed chunks.
std::vector<ConvProblem> some_problems() {
  const std::vector<ConvProblem> all = conv_problems();
  std::vector<ConvProblem> problems;
  const std::vector<std::size_t> awkward = {0, 2, 3, 5, 7, 9, 10, 12, 14, 15, 17, 19, 22, 25};
  for (const std::size_t i : awkward) {
    problems.push_back(all.at(i));
  }
  problems.push_back({1, 3, 3, 300, 40, 1, 1, 1, 1, 0, 0});
  problems.push_back({2, 31, 23, 12, 10, 3, 3, 1, 1, 1, 1});
  problems.push_back({3, 25, 29, 35, 20, 1, 1, 1, 1, 0, 0});
  problems.push_back({1, 91, 91, 3, 5, 1, 1, 1, 1, 0, 0});  // several groups of tiles on a GPU
  return problems;
}

}  // namespace

TEST_CASE("fused_conv_forward with and without each part") {
  for (const ConvProblem& problem : some_problems()) {
    INFO(describe(problem));
    const FusedConvCase data(problem);
    std::vector<Expected> expected;
    expect_forward(data, expected);
    expect_every_run(expected, [&](const Run& run) -> Outputs {
      Outputs outputs;
      append_forward(data, run, outputs);
      return outputs;
    });
  }
}

TEST_CASE("fused_conv_dgrad with and without each part") {
  std::vector<ConvProblem> problems = some_problems();
  problems.push_back({2, 61, 47, 10, 12, 3, 3, 2, 2, 1, 1});  // phases of several tasks and tiles
  for (const ConvProblem& problem : problems) {
    INFO(describe(problem));
    const FusedConvCase data(problem);
    std::vector<Expected> expected;
    expect_dgrad(data, expected);
    for (Expected& output : expected) {
      output.tolerance.absolute *= 10.0;
    }
    expect_every_run(expected, [&](const Run& run) -> Outputs {
      Outputs outputs;
      append_dgrad(data, run, outputs);
      return outputs;
    });
  }
}

TEST_CASE("fused_conv_wgrad with and without each part") {
  for (const ConvProblem& problem : some_problems()) {
    INFO(describe(problem));
    const FusedConvCase data(problem);
    std::vector<Expected> expected;
    expect_wgrad(data, expected);
    expect_every_run(expected, [&](const Run& run) -> Outputs {
      Outputs outputs;
      append_wgrad(data, run, outputs);
      return outputs;
    });
  }
}

TEST_CASE("fused_conv_backward with and without each part") {
  const std::vector<ConvProblem> all = conv_problems();
  for (const ConvProblem& problem :
       {all.at(2), all.at(9), all.at(15), all.at(17), {2, 11, 13, 40, 24, 3, 3, 1, 1, 1, 1}}) {
    INFO(describe(problem));
    const FusedConvCase data(problem);
    std::vector<Expected> expected;
    for (const BackwardParts& parts : all_backward_parts()) {
      expect_backward(data, parts, expected);
    }
    for (Expected& output : expected) {
      output.tolerance.absolute *= 10.0;
    }
    expect_every_run(expected, [&](const Run& run) -> Outputs {
      Outputs outputs;
      for (const BackwardParts& parts : all_backward_parts()) {
        append_backward(data, run, parts, outputs);
      }
      return outputs;
    });
  }
}

TEST_CASE("both gradients by one call are those of two calls, bit for bit") {
  const ConvProblem problem = {2, 17, 19, 72, 40, 3, 3, 1, 1, 1, 1};
  FusedConvCase data(problem);
  data.x = uniform(problem.x_shape().elements(), 61);
  data.weight = uniform(problem.weight_shape().elements(), 62);
  data.grad_y.g = uniform(problem.y_shape().elements(), 63);
  const Run run{test_stream(0), layouts()[2], layouts()[0]};
  for (const BackwardParts& parts : all_backward_parts()) {
    Outputs one, two;
    append_backward(data, run, parts, one);
    append_separate_gradients(data, run, parts, two);
    REQUIRE(one.size() == two.size());
    for (std::size_t k = 0; k < one.size(); ++k) {
      CHECK(exact_difference(one[k], two[k]) == "");
    }
  }
}

// x is 1 beside a bias of 5000, in the last rows -5000: neither a squared mean nor the mean of the
// first rows may enter the variance.
TEST_CASE("fused_conv_forward takes statistics where the mean is large and changes") {
  const ConvProblem problem = {2, 29, 31, 8, 20, 1, 1, 1, 1, 0, 0};
  FusedConvCase data(problem);
  data.weight = uniform(problem.weight_shape().elements(), 5);
  for (const bool jump : {false, true}) {
    INFO("jump " << jump);
    data.x = uniform(problem.x_shape().elements(), 6);
    data.bias = uniform(problem.K, 7, 4000.0F, 5000.0F);
    for (std::size_t i = 0; jump && i < 100; ++i) {
      data.x[i] = 10000.0F;
    }
    const auto y =
        reference::conv_forward(problem, widened(data.x), widened(data.weight), widened(data.bias));
    // Statistics are those of the values as stored.
    std::vector<double> stored;
    for (const double value : y) {
      stored.push_back(static_cast<double>(static_cast<float>(value)));
    }
    const auto s = reference::batch_statistics(problem.y_shape(), stored, 1e-5);
    expect_every_run({{s.mean, {0.0, 1e-6}}, {s.variance, {0.0, 2e-3}}, {s.inv_std, {0.0, 1e-3}}},
                     [&](const Run& run) -> Outputs {
                       Outputs outputs;
                       append_forward(data, run, outputs);
                       return {outputs[2], outputs[3], outputs[4]};
                     });
  }
}

TEST_CASE("dgrad recomputes exactly the ReLU mask of forward") {
  // beta puts inputs of value 1 at an output of 0 up to rounding, of either sign. With the identity
  // as weights, y is NormRelu(x), and a gradient of 1 makes grad_beta the number of passes.
  const ConvProblem problem = {2, 13, 17, 40, 40, 1, 1, 1, 1, 0, 0};
  FusedConvCase data(problem);
  data.x = integers(problem.x_shape().elements(), 21, 2);
  data.norm.mean = uniform(40, 22);
  data.norm.inv_std = uniform(40, 23, 0.5F, 2.0F);
  data.norm.gamma = uniform(40, 24, 0.5F, 2.0F);
  for (std::size_t c = 0; c < 40; ++c) {
    data.norm.beta[c] = (data.norm.mean[c] - 1.0F) * data.norm.inv_std[c] * data.norm.gamma[c];
  }
  data.weight.assign(data.weight.size(), 0.0F);
  for (std::size_t c = 0; c < 40; ++c) {
    data.weight[c * 40 + c] = 1.0F;
  }
  data.grad_y.g.assign(data.grad_y.g.size(), 1.0F);
  for (std::size_t way = 0; way < arithmetics().size(); ++way) {
    const Arithmetic arithmetic(way);
    const Run run{test_stream(1), layouts()[3], layouts()[1]};
    Outputs forward;
    append_forward(data, run, forward);
    Outputs backward;
    append_dgrad(data, run, backward);
    std::vector<double> positive(40, 0.0);
    const std::vector<float>& y = forward[5];  // with a norm, without bias
    for (std::size_t i = 0; i < y.size(); ++i) {
      positive[i % 40] += y[i] > 0.0F ? 1.0 : 0.0;
    }
    INFO(arithmetics()[way]);
    CHECK(difference(backward[4], positive, {}) == "");
  }
}

TEST_CASE("without any part the fused calls are the plain ones") {
  const ConvProblem problem = {2, 11, 9, 20, 24, 3, 3, 1, 1, 1, 1};
  FusedConvCase data(problem);
  data.weight = uniform(problem.weight_shape().elements(), 8);
  const Run run{test_stream(1), layouts()[2], layouts()[1]};
  Outputs fused;
  append_forward(data, run, fused);
  const GuardedTensor x = filled(problem.x_shape(), run.in, data.x);
  const GuardedTensor weight = filled(problem.weight_shape(), {}, data.weight);
  GuardedTensor y = poisoned(problem.y_shape(), run.out);
  Scratch scratch(kernels::conv_forward_workspace_bytes(problem, test_device()));
  kernels::conv_forward(run.stream, problem, x.view(), weight.view(), {}, y.view(),
                        scratch.workspace());
  CHECK(exact_difference(fused[0], y.values()) == "");
}

TEST_CASE("fused convolutions name what contradicts") {
  const ConvProblem problem = {2, 5, 4, 3, 6, 3, 3, 1, 1, 1, 1};
  const Stream stream = test_stream(0);
  GuardedTensor x(problem.x_shape());
  GuardedTensor y(problem.y_shape());
  GuardedTensor weight(problem.weight_shape());
  const NormTensors norm(NormData(6));
  const NormTensors right(NormData(3));
  Scratch scratch(1 << 22);
  const Workspace ws = scratch.workspace();
  using Catch::Matchers::Contains;
  CHECK(error_of([&] {
          kernels::fused_conv_forward(stream, problem, x.view(), norm.view(), weight.view(), {},
                                      y.view(), {}, ws);
        }) == "[fused_conv_forward] norm.mean is [1,1,1,6], expected [1,1,1,3]");
  kernels::NormRelu partial = right.view();
  partial.mean = {};
  CHECK_THAT(error_of([&] {
               kernels::fused_conv_forward(stream, problem, x.view(), partial, weight.view(), {},
                                           y.view(), {}, ws);
             }),
             Contains("[fused_conv_forward] norm.mean has no data"));
  CHECK_THAT(error_of([&] {
               kernels::fused_conv_forward(stream, problem, x.view(), {}, weight.view(), {},
                                           y.view(), {}, {});
             }),
             Contains("[fused_conv_forward] workspace has 0 bytes, needs "));
  kernels::DeferredGradient grad_y;
  grad_y.g = y.view();
  kernels::NormReluGradient out;
  out.g = x.view();
  CHECK(error_of([&] {
          kernels::fused_conv_dgrad(stream, problem, grad_y, weight.view(), x.view(), {}, out, ws);
        }) == "[fused_conv_dgrad] x must be empty without a norm");
  CHECK_THAT(error_of([&] {
               kernels::fused_conv_dgrad(stream, problem, grad_y, weight.view(), {}, right.view(),
                                         out, ws);
             }),
             Contains("[fused_conv_dgrad] x has no data"));
  grad_y.y = x.view();
  CHECK_THAT(error_of([&] {
               kernels::fused_conv_wgrad(stream, problem, x.view(), {}, grad_y, weight.view(),
                                         GradMode::overwrite, ws);
             }),
             Contains("[fused_conv_wgrad] grad_y.y is [2,5,4,3], expected [2,5,4,6]"));
}
