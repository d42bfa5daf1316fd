// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/elementwise.h"

#include "families.h"

namespace accrete::bench {
namespace {

constexpr float kRate = 0.2F;
constexpr RandomKey kKey{1, 2};

// The gradient takes the same call.
Work prepare(Workbench& bench, const Shape& shape) {
  return work_of(bench, kernels::Dropout{kRate, kKey, bench.tensor(shape), bench.tensor(shape)});
}

}  // namespace

BenchCases dropout_cases(const BenchSetting& setting) {
  BenchCases cases;
  for (const ActivationShape& activation : activation_shapes(setting.batches)) {
    for (const Arithmetic arithmetic : setting.others()) {
      const Shape shape = activation.shape;
      for (const char* pass : {"forward", "backward"}) {
        cases.push_back({std::string("dropout/") + pass + "/" + activation.name, arithmetic, "",
                         [shape](Workbench& bench) { return prepare(bench, shape); }});
      }
    }
  }
  return cases;
}

}  // namespace accrete::bench
