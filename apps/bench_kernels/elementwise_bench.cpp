// SPDX-License-Identifier: Apache-2.0
// Copies into and sums of slices of a block's buffer.
#include "accrete/kernels/elementwise.h"

#include "families.h"

namespace accrete::bench {
namespace {

Work copy(Workbench& bench, const ActivationShape& shape) {
  return work_of(bench,
                 kernels::Copy{bench.tensor(shape.shape), bench.tensor(shape.shape, shape.pitch)});
}

Work add(Workbench& bench, const ActivationShape& shape) {
  return work_of(bench,
                 kernels::Add{bench.tensor(shape.shape), bench.tensor(shape.shape, shape.pitch),
                              bench.tensor(shape.shape, shape.pitch)});
}

Work fill(Workbench& bench, const ActivationShape& shape) {
  return work_of(bench, kernels::Fill{bench.tensor(shape.shape, shape.pitch), 0.5F});
}

// From the case's dtype to f32.
Work cast(Workbench& bench, const ActivationShape& shape) {
  return work_of(
      bench, kernels::Copy{bench.tensor(shape.shape, shape.pitch), bench.f32_tensor(shape.shape)});
}

}  // namespace

BenchCases elementwise_cases(const BenchSetting& setting) {
  const struct {
    const char* name;
    Work (*prepare)(Workbench&, const ActivationShape&);
  } operations[] = {{"copy", copy}, {"add", add}, {"fill", fill}, {"cast", cast}};
  BenchCases cases;
  for (const auto& operation : operations) {
    for (const ActivationShape& shape : activation_shapes(setting.batches)) {
      for (const Arithmetic arithmetic : setting.others()) {
        cases.push_back({std::string("elementwise/") + operation.name + "/" + shape.name,
                         arithmetic, "", [shape, prepare = operation.prepare](Workbench& bench) {
                           return prepare(bench, shape);
                         }});
      }
    }
  }
  return cases;
}

}  // namespace accrete::bench
