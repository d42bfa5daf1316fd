// SPDX-License-Identifier: Apache-2.0
// Fused convolutions on tensor cores. The data have so few binary places that they, what NormRelu
// makes of them and gradients with everything applied are exact in tf32 and bf16; a bf16 result is
// rounded once, and statistics are those of the rounded values.
#include <vector>

#include "kernels/conv_case.h"
#include "kernels/conv_problems.h"
#include "kernels/every_run.h"

using namespace accrete;
using namespace accrete::test;

namespace {

// Every tile width with and without whole packs, several tiles and stages, padding and strides.
std::vector<ConvProblem> problems() {
  return {{2, 9, 16, 24, 40, 3, 3, 1, 1, 1, 1},   {1, 14, 14, 72, 136, 1, 1, 1, 1, 0, 0},
          {2, 12, 12, 128, 32, 3, 3, 1, 1, 1, 1}, {1, 7, 9, 3, 20, 5, 5, 2, 2, 2, 2},
          {2, 10, 10, 64, 64, 3, 3, 2, 2, 1, 1},  {3, 7, 7, 40, 12, 1, 1, 1, 1, 0, 0}};
}

// And for bf16, rows of half packs, small images, several groups of ranges of pixels.
std::vector<ConvProblem> bf16_problems() {
  std::vector<ConvProblem> all = problems();
  for (const ConvProblem& problem : {ConvProblem{5, 3, 3, 12, 24, 3, 3, 1, 1, 1, 1},
                                     ConvProblem{3, 7, 5, 20, 12, 3, 3, 1, 1, 1, 1},
                                     ConvProblem{1, 60, 60, 8, 16, 3, 3, 1, 1, 1, 1},
                                     ConvProblem{2, 56, 32, 12, 24, 1, 1, 1, 1, 0, 0}}) {
    all.push_back(problem);
  }
  return all;
}

void expect_exact(const ConvProblem& problem, DType dtype) {
  INFO(describe(problem) << " " << dtype_name(dtype));
  const ConvCase data(problem);
  const std::vector<BackwardParts> both = {
      {Through::batch_norm, true, GradMode::accumulate, GradMode::overwrite},
      {Through::batch_norm, false, GradMode::overwrite, GradMode::accumulate}};
  const auto forward = expected_forwards(data, dtype);
  const auto dgrad = expected_dgrads(data, dtype);
  const auto wgrad = expected_wgrads(data);
  const auto backward =
      of_all(both, [&](const auto& parts) { return expected_backward(data, parts, dtype); });
  for_each_tensor_core_run(dtype, [&](const Run& run) {
    check_outputs(forward_outputs(data, run), forward);
    check_outputs(dgrad_outputs(data, run), dgrad);
    check_outputs(wgrad_outputs(data, run), wgrad);
    check_outputs(of_all(both, [&](const auto& parts) { return run_backward(data, run, parts); }),
                  backward);
  });
}

}  // namespace

// The pixels of the weights' sums are cut otherwise where both roles share a launch.
TEST_CASE("both gradients by one launch are those of two, the data's bit for bit") {
  const std::vector<ConvProblem> problems = {{1, 150, 150, 40, 32, 3, 3, 1, 1, 1, 1},
                                             {2, 14, 14, 136, 72, 1, 1, 1, 1, 0, 0}};
  for (const ConvProblem& problem : problems) {
    INFO(describe(problem));
    ConvCase data(problem);
    data.weight = uniform(problem.weight_shape().elements(), 62);
    data.grad_y.g = uniform(problem.y_shape().elements(), 63);
    const BackwardParts parts{Through::batch_norm, true, GradMode::accumulate};
    const Run run{test_stream(1), layouts()[2], layouts()[0], DType::bf16};
    const Outputs one = run_backward(data, run, parts);
    const Outputs two = run_separately(data, run, parts);
    REQUIRE(one.size() == two.size());
    const auto weights = static_cast<std::size_t>(problem.weight_shape().elements());
    for (std::size_t k = 0; k < one.size(); ++k) {
      if (one[k].size() == weights) {
        const Tolerance order_of_sums{1e-2, 1e-5};
        CHECK(difference(one[k], widened(two[k]), order_of_sums) == "");
      } else {
        CHECK(exact_difference(one[k], two[k]) == "");
      }
    }
  }
}

TEST_CASE("fused convolutions are exact in tf32") {
  for (const ConvProblem& problem : problems()) {
    expect_exact(problem, DType::f32);
  }
}

TEST_CASE("fused convolutions are exact in bf16") {
  for (const ConvProblem& problem : bf16_problems()) {
    expect_exact(problem, DType::bf16);
  }
}
