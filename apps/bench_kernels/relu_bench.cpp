// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/elementwise.h"

#include "families.h"

namespace accrete::bench {
namespace {

Work forward(Workbench& bench, const ActivationShape& shape) {
  return work_of(bench, kernels::ReluForward{bench.tensor(shape.shape, shape.pitch),
                                             bench.tensor(shape.shape)});
}

Work backward(Workbench& bench, const ActivationShape& shape) {
  return work_of(bench, kernels::ReluBackward{bench.tensor(shape.shape), bench.tensor(shape.shape),
                                              bench.tensor(shape.shape, shape.pitch)});
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
