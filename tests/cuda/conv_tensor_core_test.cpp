// SPDX-License-Identifier: Apache-2.0
// Convolutions on tensor cores. Whole numbers are exact in tf32 and bf16 and so are their sums in
// f32; a bf16 result is rounded once.
#include <cmath>
#include <vector>

#include "conv/implementations.h"
#include "kernels/conv_case.h"
#include "kernels/conv_problems.h"
#include "kernels/every_run.h"

using namespace accrete;
using namespace accrete::test;

namespace {

// Several tiles along both axes, more steps than stages, several ranges of pixels; the shapes of
// DenseNet layers with few pixels.
std::vector<ConvProblem> dense_net_problems() {
  return {{2, 14, 14, 64, 128, 1, 1, 1, 1, 0, 0}, {1, 14, 14, 160, 136, 1, 1, 1, 1, 0, 0},
          {2, 14, 14, 128, 32, 3, 3, 1, 1, 1, 1}, {3, 7, 7, 40, 48, 3, 3, 1, 1, 1, 1},
          {2, 28, 20, 3, 64, 7, 7, 2, 2, 3, 3},   {2, 10, 10, 64, 64, 3, 3, 2, 2, 1, 1}};
}

// For the weights' gradient: images of few pixels, rows of whole and of half packs, one tile and
// several, one range of pixels, one group of ranges and several, a ring that is gone through more
// than once.
std::vector<ConvProblem> wgrad_problems() {
  return {{5, 3, 3, 8, 12, 3, 3, 1, 1, 1, 1},    {4, 5, 5, 12, 24, 3, 3, 1, 1, 1, 1},
          {3, 7, 7, 136, 40, 3, 3, 1, 1, 1, 1},  {1, 4, 3, 72, 128, 3, 3, 1, 1, 1, 1},
          {1, 60, 60, 16, 8, 3, 3, 1, 1, 1, 1},  {2, 44, 28, 12, 32, 3, 3, 1, 1, 1, 1},
          {1, 6, 112, 64, 32, 3, 3, 1, 1, 1, 1}, {6, 3, 3, 136, 132, 1, 1, 1, 1, 0, 0},
          {1, 64, 56, 8, 12, 1, 1, 1, 1, 0, 0},  {1, 40, 30, 12, 48, 1, 1, 1, 1, 0, 0}};
}

std::vector<ConvProblem> all_problems() {
  std::vector<ConvProblem> problems = conv_problems();
  for (const auto& more : {dense_net_problems(), wgrad_problems()}) {
    problems.insert(problems.end(), more.begin(), more.end());
  }
  return problems;
}

void expect_exact(const ConvProblem& problem, DType dtype) {
  INFO(describe(problem) << " " << dtype_name(dtype));
  const ConvCase data(problem);
  const auto expected = expected_plain(data, dtype);
  for_each_tensor_core_run(
      dtype, [&](const Run& run) { check_outputs(plain_outputs(data, run), expected); });
}

}  // namespace

TEST_CASE("convolution of whole numbers is exact in tf32") {
  for (const ConvProblem& problem : all_problems()) {
    expect_exact(problem, DType::f32);
  }
}

TEST_CASE("convolution of whole numbers is exact in bf16") {
  for (const ConvProblem& problem : all_problems()) {
    expect_exact(problem, DType::bf16);
  }
}

TEST_CASE("strict f32 is exact on the shapes of DenseNet layers") {
  for (const ConvProblem& problem : dense_net_problems()) {
    INFO(describe(problem));
    const ConvCase data(problem);
    check_outputs(plain_outputs(data, {test_stream(0), layouts()[2], layouts()[0], DType::f32}),
                  expected_plain(data));
  }
}

// Operands rounded to 11 significant bits: an error of 2^-11 per product of magnitude up to 1.
TEST_CASE("fractions in tf32 stay within the rounding of their operands") {
  const ConvProblem problem = {2, 14, 14, 64, 40, 3, 3, 1, 1, 1, 1};
  const ConvCase data(problem, Numbers::fractions);
  std::vector<Expected> expected = expected_plain(data);
  const double terms[] = {576, 576, 360, 360, 392, 392};
  for (std::size_t k = 0; k < expected.size(); ++k) {
    expected[k].tolerance.absolute = std::sqrt(terms[k]) * 8.0 / 2048.0;
  }
  const Stream stream = test_stream(0).with_float_math(FloatMath::tf32);
  check_outputs(plain_outputs(data, {stream, layouts()[0], layouts()[0], DType::f32}), expected);
}

TEST_CASE("the naive kernels agree with the definition") {
  for (const ConvProblem& problem : conv_problems()) {
    INFO(describe(problem));
    const ConvCase data(problem);
    const Run run{test_stream(1), layouts()[2], layouts()[1]};
    const BackwardParts added{.data_mode = GradMode::accumulate};
    BackwardTensors t(data, run, added, layouts()[3], layouts()[3]);
    const GuardedTensor bias = NormTensors::vector(data.bias);
    GuardedTensor y = poisoned(problem.y_shape(), run.out);
    const kernels::ConvBackward b = t.both();
    kernels::cuda::conv_forward_naive(
        run.stream,
        {.problem = problem, .x = b.x, .weight = b.weight, .bias = bias.view(), .y = y.view()});
    kernels::cuda::conv_dgrad_naive(run.stream, t.dgrad());
    kernels::cuda::conv_wgrad_naive(run.stream, t.wgrad());
    require_undamaged({&bias, &y});
    check_outputs({y.values()}, expected_forward(data, {.bias = true}));
    check_outputs(t.of_both(), expected_backward(data, added));
  }
}
