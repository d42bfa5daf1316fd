// SPDX-License-Identifier: Apache-2.0
// Convolutions, optimizers and one training step under the race detector, on shapes just large
// enough for several tiles, stages and blocks. A race is an error that the launch throws; values
// are checked as well. The other operations run in bf16_ops_test.cpp.
#include <cmath>
#include <vector>

#include "cuda/executor_runtime.h"
#include "engine/tiny_models.h"
#include "kernels/conv_case.h"
#include "kernels/conv_problems.h"

using namespace accrete;
using namespace accrete::test;

namespace {

// Two tiles of pixels with a rest, channels with and without whole packs, more steps than stages,
// two ranges of pixels for the weight gradient, every tile width.
std::vector<ConvProblem> problems() {
  return {{2, 9, 16, 24, 40, 3, 3, 1, 1, 1, 1},
          {1, 12, 12, 72, 72, 1, 1, 1, 1, 0, 0},
          {1, 7, 9, 3, 20, 5, 5, 2, 2, 2, 2},
          {1, 6, 8, 16, 16, 3, 3, 2, 2, 1, 1}};
}

// A bf16 result is rounded once: forward and dgrad, outputs 0 to 3.
void expect_exact(const ConvProblem& problem, FloatMath math, DType dtype) {
  INFO(describe(problem) << " " << dtype_name(dtype) << (math == FloatMath::tf32 ? " tf32" : ""));
  const ConvCase data(problem, Fill::whole);
  std::vector<Expected> expected = expected_outputs(data, Fill::whole);
  for (std::size_t k = 0; dtype == DType::bf16 && k < 4; ++k) {
    for (double& value : expected[k].values) {
      value = static_cast<double>(bf16_rounded(static_cast<float>(value)));
    }
  }
  int number = 0;
  for (const std::size_t layout : {std::size_t{2}, std::size_t{3}}) {
    const Stream stream = test_stream(number++).with_float_math(math);
    const Outputs got = all_outputs(data, {stream, layouts()[layout], layouts()[0], dtype});
    for (std::size_t k = 0; k < got.size(); ++k) {
      INFO("output " << k);
      CHECK(difference(got[k], expected[k].values, {}) == "");
    }
  }
}

}  // namespace

TEST_CASE("convolutions do not race in strict f32") {
  for (const ConvProblem& problem : problems()) {
    expect_exact(problem, FloatMath::strict, DType::f32);
  }
}

TEST_CASE("convolutions do not race in tf32") {
  for (const ConvProblem& problem : problems()) {
    expect_exact(problem, FloatMath::tf32, DType::f32);
  }
}

TEST_CASE("convolutions do not race in bf16") {
  for (const ConvProblem& problem : problems()) {
    expect_exact(problem, FloatMath::strict, DType::bf16);
  }
}

TEST_CASE("a training step of a DenseNet does not race") {
  TinyDenseNet net;
  net.bottleneck = true;
  net.dropout = 0.2F;
  OptimizerOptions momentum;
  momentum.momentum = 0.9;
  OptimizerOptions adam;
  adam.kind = OptimizerKind::adam;
  for (const OptimizerOptions& optimizer : {momentum, adam}) {
    TinySession cpu(tiny_densenet(net), 3, {}, 1, optimizer);
    TinySession gpu(tiny_densenet(net), 3, {}, 1, optimizer, make_executor_runtime());
    const double expected = cpu.step(0.05, 0).loss;
    CHECK(std::fabs(gpu.step(0.05, 0).loss - expected) < 1e-4 * expected);
  }
}
