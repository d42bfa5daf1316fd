// SPDX-License-Identifier: Apache-2.0
// The sum of 100 pixels, in two chunks of which the second has a rest, for 40 channels.
#include <cmath>

#include "call/backend.h"
#include "call/workspace.h"
#include "reference/operations.h"
#include "simt/planted/driver.h"
#include "support/random_fill.h"

namespace accrete::test {

void run_case(const Stream& stream, Findings& findings) {
  // The second image is not part of the problem and holds other numbers.
  const Shape both{2, 10, 10, 40};
  const Shape shape{1, 10, 10, 40};
  const auto values = integers(both.elements(), 1, 9);
  GuardedTensor grad_y_tensor(both, {3, 5});
  grad_y_tensor.set_values(values);
  TensorView grad_y = grad_y_tensor.view();
  grad_y.shape = shape;
  GuardedTensor grad_bias(channel_vector(40));
  grad_bias.poison();
  const kernels::BiasGrad call{grad_y, grad_bias.view()};
  std::vector<float> workspace(kernels::cuda::workspace_bytes(call) / sizeof(float), NAN);

  kernels::cuda::run(stream, call, {workspace.data(), workspace.size() * sizeof(float)});
  findings.watch(grad_bias);
  const std::vector<double> widened(values.begin(), values.begin() + shape.elements());
  findings.compare(grad_bias.values(), reference::bias_grad(shape, widened), {});
}

}  // namespace accrete::test
