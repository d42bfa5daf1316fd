// SPDX-License-Identifier: Apache-2.0
// A 3x3 convolution in bf16: two tiles of pixels of which the second has a rest, columns with a
// rest, more steps than stages.
#include "conv/implementations.h"
#include "reference/operations.h"
#include "simt/executor.h"
#include "simt/planted/driver.h"
#include "support/random_fill.h"

namespace accrete::test {
namespace {

std::vector<double> widened(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

GuardedTensor filled(const Shape& shape, Layout layout, const std::vector<float>& values) {
  GuardedTensor tensor(shape, layout, DType::bf16);
  tensor.set_values(values);
  return tensor;
}

}  // namespace

void run_case(const Stream& stream, Findings& findings) {
  const ConvProblem problem{1, 18, 18, 72, 20, 3, 3, 1, 1, 1, 1};
  const auto x = integers(problem.x_shape().elements(), 1, 2);
  const auto weight = integers(problem.weight_shape().elements(), 2, 1);
  const GuardedTensor x_tensor = filled(problem.x_shape(), {16, 32}, x);
  const GuardedTensor weight_tensor = filled(problem.weight_shape(), {}, weight);
  // As many rows again as the result has, to catch what is written behind it.
  const Shape y_shape = problem.y_shape();
  GuardedTensor y_tensor({2 * y_shape.n, y_shape.h, y_shape.w, y_shape.c}, {16, 16}, DType::bf16);
  y_tensor.poison();
  TensorView y = y_tensor.view();
  y.shape = y_shape;

  simt::matrix_loads() = {};
  kernels::ConvForward call;
  call.problem = problem;
  call.x = x_tensor.view();
  call.weight = weight_tensor.view();
  call.y = y;
  const bool launched = kernels::cuda::band_forward(stream, call, {});
  findings.compare({launched ? 1.0F : 0.0F}, {1.0}, {});
  findings.check_matrix_loads();
  findings.watch(y_tensor);
  const auto count = static_cast<std::size_t>(y_shape.elements());
  std::vector<float> got = y_tensor.values();
  findings.watch_poison(got, count);
  got.resize(count);
  std::vector<double> expected = reference::conv_forward(problem, widened(x), widened(weight), {});
  for (double& value : expected) {
    value = static_cast<double>(bf16_rounded(static_cast<float>(value)));
  }
  findings.compare(got, expected, {});
}

}  // namespace accrete::test
