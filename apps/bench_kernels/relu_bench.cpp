// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/relu.h"

#include "families.h"

namespace accrete::bench {
namespace {

Work forward(Workbench& bench, const ActivationShape& shape) {
  const TensorView x = bench.tensor(shape.shape, shape.pitch);
  const TensorView y = bench.tensor(shape.shape);
  return {[stream = bench.stream(), x, y] { kernels::relu_forward(stream, x, y); }, 0.0,
          bytes_of({x, y})};
}

Work backward(Workbench& bench, const ActivationShape& shape) {
  const TensorView grad_y = bench.tensor(shape.shape);
  const TensorView y = bench.tensor(shape.shape);
  const TensorView grad_x = bench.tensor(shape.shape, shape.pitch);
  return {[stream = bench.stream(), grad_y, y, grad_x] {
            kernels::relu_backward(stream, grad_y, y, grad_x, GradMode::overwrite);
          },
          0.0, bytes_of({grad_y, y, grad_x})};
}

}  // namespace

BenchCases relu_cases(const BenchSetting& setting) {
  BenchCases cases;
  for (const ActivationShape& shape : activation_shapes(setting.batches)) {
    for (const Arithmetic arithmetic : setting.others()) {
      cases.push_back({"relu/forward/" + shape.name, arithmetic, "",
                       [shape](Workbench& bench) { return forward(bench, shape); }});
      cases.push_back({"relu/backward/" + shape.name, arithmetic, "",
                       [shape](Workbench& bench) { return backward(bench, shape); }});
    }
  }
  return cases;
}

}  // namespace accrete::bench
