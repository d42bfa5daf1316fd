// SPDX-License-Identifier: Apache-2.0
// Batch norm with ReLU in the same pass, as networks use it: x is a slice of its block's buffer, y
// is packed.
#include "accrete/kernels/batch_norm.h"

#include "families.h"

namespace accrete::bench {
namespace {

struct NormTensors {
  NormTensors(Workbench& bench, const ActivationShape& shape)
      : x(bench.tensor(shape.shape, shape.pitch)),
        y(bench.tensor(shape.shape)),
        gamma(bench.channels(shape.shape.c, 1.0F)),
        beta(bench.channels(shape.shape.c, 0.0F)),
        mean(bench.channels(shape.shape.c, 0.0F)),
        deviation(bench.channels(shape.shape.c, 1.0F)),
        running_mean(bench.channels(shape.shape.c, 0.0F)),
        running_var(bench.channels(shape.shape.c, 1.0F)) {}

  kernels::NormRelu norm() const { return {mean, deviation, gamma, beta}; }

  TensorView x, y;
  TensorView gamma, beta, mean, deviation, running_mean, running_var;
};

constexpr kernels::BatchNormOptions kOptions{.relu = true};

// x once, although its statistics come first: it may lie in a cache by then.
Work training(Workbench& bench, const ActivationShape& shape) {
  const NormTensors t(bench, shape);
  Work work =
      work_of(bench, kernels::BatchNormTraining{kOptions, t.x, t.gamma, t.beta, t.running_mean,
                                                t.running_var, t.mean, t.deviation, t.y});
  work.bytes = bytes_of({t.x, t.y, t.gamma, t.beta, t.mean, t.deviation}) +
               2.0 * bytes_of({t.running_mean, t.running_var});
  return work;
}

Work inference(Workbench& bench, const ActivationShape& shape) {
  const NormTensors t(bench, shape);
  return work_of(bench, kernels::BatchNormInference{kOptions, t.x, t.gamma, t.beta, t.running_mean,
                                                    t.running_var, t.y});
}

// The gradient of x is added to that of the block's buffer. x and y once, as above.
Work backward(Workbench& bench, const ActivationShape& shape) {
  const NormTensors t(bench, shape);
  const TensorView grad_x = bench.tensor(shape.shape, shape.pitch);
  const TensorView grad_gamma = bench.channels(shape.shape.c, 0.0F);
  const TensorView grad_beta = bench.channels(shape.shape.c, 0.0F);
  Work work = work_of(bench, kernels::BatchNormBackward{.grad_y = t.y,
                                                        .x = t.x,
                                                        .norm = t.norm(),
                                                        .relu = true,
                                                        .grad_x = grad_x,
                                                        .mode = GradMode::accumulate,
                                                        .grad_gamma = grad_gamma,
                                                        .grad_beta = grad_beta});
  work.bytes = bytes_of({t.x, t.y, t.gamma, t.beta, t.mean, t.deviation, grad_gamma, grad_beta}) +
               2.0 * bytes_of({grad_x});
  return work;
}

}  // namespace

BenchCases batch_norm_cases(const BenchSetting& setting) {
  BenchCases cases;
  for (const ActivationShape& shape : activation_shapes(setting.batches)) {
    for (const Arithmetic arithmetic : setting.others()) {
      const auto add = [&](const char* pass, auto prepare) {
        cases.push_back({std::string("batch_norm/") + pass + "/" + shape.name, arithmetic, "",
                         [shape, prepare](Workbench& bench) { return prepare(bench, shape); }});
      };
      add("training", training);
      add("inference", inference);
      add("backward", backward);
    }
  }
  return cases;
}

}  // namespace accrete::bench
