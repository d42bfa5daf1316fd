// SPDX-License-Identifier: Apache-2.0
// ReLU on an odd slice, element by element.
#include "call/backend.h"
#include "reference/operations.h"
#include "simt/planted/driver.h"
#include "support/random_fill.h"

namespace accrete::test {

void run_case(const Stream& stream, Findings& findings) {
  const Shape shape{1, 5, 7, 10};
  const auto values = uniform(shape.elements(), 1);
  GuardedTensor x(shape, {3, 5});
  x.set_values(values);
  // An image behind the one that is written.
  GuardedTensor y_tensor({2, 5, 7, 10}, {3, 5});
  y_tensor.poison();
  TensorView y = y_tensor.view();
  y.shape = shape;

  kernels::cuda::run(stream, kernels::ReluForward{x.view(), y}, {});
  findings.watch(x);
  findings.watch(y_tensor);
  std::vector<float> got = y_tensor.values();
  findings.watch_poison(got, values.size());
  got.resize(values.size());
  findings.compare(got, reference::relu_forward({values.begin(), values.end()}), {});
}

}  // namespace accrete::test
