// SPDX-License-Identifier: Apache-2.0
// Copies into and sums of slices of a block's buffer.
#include "accrete/kernels/elementwise.h"

#include "families.h"

namespace accrete::bench {
namespace {

Work copy(Workbench& bench, const ActivationShape& shape) {
  const TensorView src = bench.tensor(shape.shape);
  const TensorView dst = bench.tensor(shape.shape, shape.pitch);
  return {
      [stream = bench.stream(), src, dst] { kernels::copy(stream, src, dst, GradMode::overwrite); },
      0.0, bytes_of({src, dst})};
}

Work add(Workbench& bench, const ActivationShape& shape) {
  const TensorView a = bench.tensor(shape.shape);
  const TensorView b = bench.tensor(shape.shape, shape.pitch);
  const TensorView y = bench.tensor(shape.shape, shape.pitch);
  return {[stream = bench.stream(), a, b, y] { kernels::add(stream, a, b, y); }, 0.0,
          bytes_of({a, b, y})};
}

Work fill(Workbench& bench, const ActivationShape& shape) {
  const TensorView dst = bench.tensor(shape.shape, shape.pitch);
  return {[stream = bench.stream(), dst] { kernels::fill(stream, dst, 0.5F); }, 0.0,
          bytes_of({dst})};
}

// From the case's dtype to f32.
Work cast(Workbench& bench, const ActivationShape& shape) {
  const TensorView src = bench.tensor(shape.shape, shape.pitch);
  const TensorView dst = bench.f32_tensor(shape.shape);
  return {[stream = bench.stream(), src, dst] { kernels::cast(stream, src, dst); }, 0.0,
          bytes_of({src, dst})};
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
