// SPDX-License-Identifier: Apache-2.0
// Convolutions, optimizers and one training step under the race detector, on shapes just large
// enough for several tiles, stages and blocks. A race is an error that the launch throws; values
// are checked as well. The other operations run in bf16_ops_test.cpp.
#include <cmath>
#include <vector>

#include "accrete/kernels/batch_norm.h"
#include "cuda/test_runtime.h"
#include "engine/tiny_models.h"
#include "kernels/conv_case.h"
#include "kernels/conv_problems.h"
#include "simt/executor.h"

using namespace accrete;
using namespace accrete::test;

namespace {

// Runs `call` and demands that the detector has seen kernels.
template <class Call>
void watched(const Call& call) {
  const std::uint64_t before = simt::watched_accesses();
  call();
  CHECK(simt::watched_accesses() > before + 1000);
}

// Two tiles of pixels with a rest, channels with and without whole packs, more steps than stages,
// two ranges of pixels for the weight gradient, every tile width.
std::vector<ConvProblem> problems() {
  return {{2, 9, 16, 24, 40, 3, 3, 1, 1, 1, 1},
          {1, 12, 12, 72, 72, 1, 1, 1, 1, 0, 0},
          {1, 7, 9, 3, 20, 5, 5, 2, 2, 2, 2},
          {1, 6, 8, 16, 16, 3, 3, 2, 2, 1, 1}};
}

void expect_exact(const ConvProblem& problem, FloatMath math, DType dtype) {
  INFO(describe(problem) << " " << dtype_name(dtype) << (math == FloatMath::tf32 ? " tf32" : ""));
  const ConvCase data(problem);
  const auto expected = expected_plain(data, dtype);
  int number = 0;
  for (const std::size_t layout : {std::size_t{2}, std::size_t{3}}) {
    const Stream stream = test_stream(number++).with_float_math(math);
    check_outputs(plain_outputs(data, {stream, layouts()[layout], layouts()[0], dtype}), expected);
  }
}

}  // namespace

TEST_CASE("convolutions do not race in strict f32") {
  for (const ConvProblem& problem : problems()) {
    watched([&] { expect_exact(problem, FloatMath::strict, DType::f32); });
  }
}

TEST_CASE("convolutions do not race in tf32") {
  for (const ConvProblem& problem : problems()) {
    watched([&] { expect_exact(problem, FloatMath::tf32, DType::f32); });
  }
}

TEST_CASE("convolutions do not race in bf16") {
  for (const ConvProblem& problem : problems()) {
    watched([&] { expect_exact(problem, FloatMath::strict, DType::bf16); });
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
    double loss = NAN;
    watched([&] { loss = gpu.step(0.05, 0).loss; });
    CHECK(std::fabs(loss - expected) < 1e-4 * expected);
  }
}

// The one operation that neither bf16_ops_test.cpp nor a training step runs.
TEST_CASE("batch norm inference does not race") {
  const Shape shape{2, 9, 11, 33};
  const GuardedTensor x = filled(shape, layouts()[3], uniform(shape.elements(), 1));
  const GuardedTensor gamma = filled(channel_vector(33), {}, uniform(33, 2));
  const GuardedTensor beta = filled(channel_vector(33), {}, uniform(33, 3));
  const GuardedTensor mean = filled(channel_vector(33), {}, uniform(33, 4));
  const GuardedTensor var = filled(channel_vector(33), {}, uniform(33, 5, 0.5F, 2.0F));
  GuardedTensor y = poisoned(shape, layouts()[2]);
  watched([&] {
    run_call(test_stream(0),
             kernels::BatchNormInference{
                 {}, x.view(), gamma.view(), beta.view(), mean.view(), var.view(), y.view()});
  });
  require_undamaged({&x, &gamma, &beta, &mean, &var, &y});
  for (const float value : y.values()) {
    REQUIRE(std::isfinite(value));
  }
}
