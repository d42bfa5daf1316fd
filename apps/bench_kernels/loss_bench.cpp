// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy behind the classifiers. Too small to fill a GPU: its time is a latency.
#include "accrete/kernels/loss.h"
#include "families.h"

namespace accrete::bench {
namespace {

Work forward(Workbench& bench, const LinearShape& shape) {
  const Shape rows{shape.N, 1, 1, shape.K};
  return work_of(bench, kernels::SoftmaxCrossEntropyForward{
                            bench.tensor(rows), bench.labels(shape.N, shape.K), bench.tensor(rows),
                            bench.channels(1, 0.0F), bench.channels(1, 0.0F)});
}

Work backward(Workbench& bench, const LinearShape& shape) {
  const Shape rows{shape.N, 1, 1, shape.K};
  return work_of(bench,
                 kernels::SoftmaxCrossEntropyBackward{
                     bench.tensor(rows), bench.labels(shape.N, shape.K), bench.tensor(rows)});
}

}  // namespace

BenchCases loss_cases(const BenchSetting& setting) {
  BenchCases cases;
  for (const LinearShape& shape : linear_shapes(setting.batches)) {
    for (const Arithmetic arithmetic : setting.others()) {
      cases.push_back({"softmax_cross_entropy/forward/" + shape.name, arithmetic, "",
                       [shape](Workbench& bench) { return forward(bench, shape); }});
      cases.push_back({"softmax_cross_entropy/backward/" + shape.name, arithmetic, "",
                       [shape](Workbench& bench) { return backward(bench, shape); }});
    }
  }
  return cases;
}

}  // namespace accrete::bench
