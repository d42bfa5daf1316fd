// SPDX-License-Identifier: Apache-2.0
// Convolutions with their optional parts.
#include "kernels/conv_case.h"
#include "kernels/conv_problems.h"

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

TEST_CASE("conv_forward with and without each part") {
  for (const ConvProblem& problem : some_problems()) {
    INFO(describe(problem));
    const ConvCase data(problem);
    expect_every_run(expected_forwards(data),
                     [&](const Run& run) { return forward_outputs(data, run); });
  }
}

TEST_CASE("conv_dgrad with and without each part") {
  std::vector<ConvProblem> problems = some_problems();
  problems.push_back({2, 61, 47, 10, 12, 3, 3, 2, 2, 1, 1});  // phases of several tasks and tiles
  for (const ConvProblem& problem : problems) {
    INFO(describe(problem));
    const ConvCase data(problem);
    expect_every_run(expected_dgrads(data),
                     [&](const Run& run) { return dgrad_outputs(data, run); });
  }
}

TEST_CASE("conv_wgrad with and without each part") {
  for (const ConvProblem& problem : some_problems()) {
    INFO(describe(problem));
    const ConvCase data(problem);
    expect_every_run(expected_wgrads(data),
                     [&](const Run& run) { return wgrad_outputs(data, run); });
  }
}

TEST_CASE("conv_backward with and without each part") {
  const std::vector<ConvProblem> all = conv_problems();
  for (const ConvProblem& problem :
       {all.at(2), all.at(9), all.at(15), all.at(17), {2, 11, 13, 40, 24, 3, 3, 1, 1, 1, 1}}) {
    INFO(describe(problem));
    const ConvCase data(problem);
    const auto parts = all_backward_parts();
    expect_every_run(of_all(parts, [&](const auto& p) { return expected_backward(data, p); }),
                     [&](const Run& run) {
                       return of_all(parts,
                                     [&](const auto& p) { return run_backward(data, run, p); });
                     });
  }
}

TEST_CASE("both gradients by one call are those of two calls, bit for bit") {
  const ConvProblem problem = {2, 17, 19, 72, 40, 3, 3, 1, 1, 1, 1};
  ConvCase data(problem);
  data.x = uniform(problem.x_shape().elements(), 61);
  data.weight = uniform(problem.weight_shape().elements(), 62);
  data.grad_y.g = uniform(problem.y_shape().elements(), 63);
  const Run run{test_stream(0), layouts()[2], layouts()[0]};
  for (const BackwardParts& parts : all_backward_parts()) {
    const Outputs one = run_backward(data, run, parts);
    const Outputs two = run_separately(data, run, parts);
    REQUIRE(one.size() == two.size());
    for (std::size_t k = 0; k < one.size(); ++k) {
      CHECK(exact_difference(one[k], two[k]) == "");
    }
  }
}

// x is 1 beside a bias of 5000, in the last rows -5000: neither a squared mean nor the mean of the
// first rows may enter the variance.
TEST_CASE("conv_forward takes statistics where the mean is large and changes") {
  const ConvProblem problem = {2, 29, 31, 8, 20, 1, 1, 1, 1, 0, 0};
  ConvCase data(problem);
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
                       const Outputs outputs = run_forward(data, run, {false, true, true});
                       return {outputs[1], outputs[2], outputs[3]};
                     });
  }
}

TEST_CASE("dgrad recomputes exactly the ReLU mask of forward") {
  // beta puts inputs of value 1 at an output of 0 up to rounding, of either sign. With the identity
  // as weights, y is NormRelu(x), and a gradient of 1 makes grad_beta the number of passes.
  const ConvProblem problem = {2, 13, 17, 40, 40, 1, 1, 1, 1, 0, 0};
  ConvCase data(problem);
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
    const std::vector<float> y = run_forward(data, run, {.norm = true}).front();
    const std::vector<float> grad_beta =
        run_dgrad(data, run, {.through = Through::batch_norm}).back();
    std::vector<double> positive(40, 0.0);
    for (std::size_t i = 0; i < y.size(); ++i) {
      positive[i % 40] += y[i] > 0.0F ? 1.0 : 0.0;
    }
    INFO(arithmetics()[way]);
    CHECK(difference(grad_beta, positive, {}) == "");
  }
}

TEST_CASE("the parts of convolutions are checked against the problem") {
  using namespace kernels;
  using Catch::Matchers::Contains;
  const ConvProblem problem = {2, 5, 4, 3, 6, 3, 3, 1, 1, 1, 1};
  const Stream stream = test_stream(0);
  GuardedTensor x(problem.x_shape()), y(problem.y_shape()), weight(problem.weight_shape());
  const NormTensors wrong(NormData(6)), right(NormData(3));
  Scratch scratch(1 << 22);
  const auto error = [&](const auto& call) {
    return error_of([&] { kernels::run(stream, call, scratch.workspace()); });
  };
  ConvForward forward{.problem = problem, .x = x.view(), .weight = weight.view(), .y = y.view()};
  forward.norm = wrong.view();
  CHECK(error(forward) == "[conv_forward] norm.mean is [1,1,1,6], expected [1,1,1,3]");
  forward.norm = right.view();
  forward.norm.mean = {};
  CHECK_THAT(error(forward), Contains("[conv_forward] norm.mean has no data"));
  ConvDgrad dgrad{.problem = problem,
                  .grad_y = {.g = y.view()},
                  .weight = weight.view(),
                  .x = x.view(),
                  .grad_x = {.g = x.view()}};
  CHECK(error(dgrad) == "[conv_dgrad] x must be empty without a norm");
  dgrad.x = {};
  dgrad.norm = right.view();
  CHECK_THAT(error(dgrad), Contains("[conv_dgrad] x has no data"));
  const ConvWgrad wgrad{.problem = problem,
                        .x = x.view(),
                        .grad_y = {.g = y.view(), .y = x.view()},
                        .grad_weight = weight.view()};
  CHECK_THAT(error(wgrad), Contains("[conv_wgrad] grad_y.y is [2,5,4,3], expected [2,5,4,6]"));
}
