// SPDX-License-Identifier: Apache-2.0
// Batch norm of 100 pixels and 40 channels: two sums over pixels through one scratch array.
#include <cmath>

#include "call/backend.h"
#include "call/workspace.h"
#include "reference/batch_norm.h"
#include "simt/planted/driver.h"
#include "support/random_fill.h"

namespace accrete::test {
namespace {

GuardedTensor channels(float value) {
  GuardedTensor tensor(channel_vector(40));
  tensor.set_values(std::vector<float>(40, value));
  return tensor;
}

}  // namespace

void run_case(const Stream& stream, Findings& findings) {
  const Shape shape{1, 10, 10, 40};
  const auto values = uniform(shape.elements(), 1);
  GuardedTensor x(shape, {3, 5});
  x.set_values(values);
  GuardedTensor y(shape, {3, 5});
  y.poison();
  GuardedTensor gamma = channels(1.5F);
  GuardedTensor beta = channels(0.25F);
  GuardedTensor mean = channels(0.0F);
  GuardedTensor inv_std = channels(0.0F);
  GuardedTensor running_mean = channels(0.0F);
  GuardedTensor running_var = channels(1.0F);
  const kernels::BatchNormTraining call{
      {.epsilon = 1e-5F}, x.view(),    gamma.view(),   beta.view(), running_mean.view(),
      running_var.view(), mean.view(), inv_std.view(), y.view()};
  std::vector<float> workspace(kernels::cuda::workspace_bytes(call) / sizeof(float), NAN);

  kernels::cuda::run(stream, call, {workspace.data(), workspace.size() * sizeof(float)});
  findings.watch(y);
  const std::vector<double> widened(values.begin(), values.end());
  const reference::BatchNormParameters parameters{std::vector<double>(40, 1.5),
                                                  std::vector<double>(40, 0.25), 1e-5, false};
  findings.compare(y.values(), reference::batch_norm_training(shape, parameters, widened),
                   {1e-5, 1e-5});
  const auto statistics = reference::batch_statistics(shape, widened, 1e-5);
  findings.compare(mean.values(), statistics.mean, {1e-6, 1e-6});
  findings.compare(inv_std.values(), statistics.inv_std, {0.0, 2e-6});
}

}  // namespace accrete::test
