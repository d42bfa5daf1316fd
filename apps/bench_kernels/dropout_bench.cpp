// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/dropout.h"

#include "families.h"

namespace accrete::bench {
namespace {

constexpr float kRate = 0.2F;
constexpr RandomKey kKey{1, 2};

Work forward(Workbench& bench, const Shape& shape) {
  const TensorView x = bench.tensor(shape);
  const TensorView y = bench.tensor(shape);
  return {[stream = bench.stream(), x, y] { kernels::dropout_forward(stream, kRate, kKey, x, y); },
          0.0, bytes_of({x, y})};
}

Work backward(Workbench& bench, const Shape& shape) {
  const TensorView grad_y = bench.tensor(shape);
  const TensorView grad_x = bench.tensor(shape);
  return {[stream = bench.stream(), grad_y, grad_x] {
            kernels::dropout_backward(stream, kRate, kKey, grad_y, grad_x, GradMode::overwrite);
          },
          0.0, bytes_of({grad_y, grad_x})};
}

}  // namespace

BenchCases dropout_cases(const BenchSetting& setting) {
  BenchCases cases;
  for (const ActivationShape& activation : activation_shapes(setting.batches)) {
    for (const Arithmetic arithmetic : setting.others()) {
      const Shape shape = activation.shape;
      cases.push_back({"dropout/forward/" + activation.name, arithmetic, "",
                       [shape](Workbench& bench) { return forward(bench, shape); }});
      cases.push_back({"dropout/backward/" + activation.name, arithmetic, "",
                       [shape](Workbench& bench) { return backward(bench, shape); }});
    }
  }
  return cases;
}

}  // namespace accrete::bench
