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
        running_var(bench.channels(shape.shape.c, 1.0F)),
        workspace(
            bench.workspace(kernels::batch_norm_workspace_bytes(shape.shape, bench.device()))) {
    options.relu = true;
  }

  TensorView x, y;
  TensorView gamma, beta, mean, deviation, running_mean, running_var;
  Workspace workspace;
  kernels::BatchNormOptions options;
};

Work training(Workbench& bench, const ActivationShape& shape) {
  const NormTensors t(bench, shape);
  return {[stream = bench.stream(), t] {
            kernels::batch_norm_training(stream, t.options, t.x, t.gamma, t.beta, t.running_mean,
                                         t.running_var, t.mean, t.deviation, t.y, t.workspace);
          },
          0.0,
          bytes_of({t.x, t.y, t.gamma, t.beta, t.mean, t.deviation}) +
              2.0 * bytes_of({t.running_mean, t.running_var})};
}

Work inference(Workbench& bench, const ActivationShape& shape) {
  const NormTensors t(bench, shape);
  return {[stream = bench.stream(), t] {
            kernels::batch_norm_inference(stream, t.options, t.x, t.gamma, t.beta, t.running_mean,
                                          t.running_var, t.y);
          },
          0.0, bytes_of({t.x, t.y, t.gamma, t.beta, t.running_mean, t.running_var})};
}

// The gradient of x is added to that of the block's buffer.
Work backward(Workbench& bench, const ActivationShape& shape) {
  const NormTensors t(bench, shape);
  const TensorView grad_x = bench.tensor(shape.shape, shape.pitch);
  const TensorView grad_gamma = bench.channels(shape.shape.c, 0.0F);
  const TensorView grad_beta = bench.channels(shape.shape.c, 0.0F);
  return {[stream = bench.stream(), t, grad_x, grad_gamma, grad_beta] {
            kernels::batch_norm_backward(stream, t.options, t.y, t.x, t.gamma, t.beta, t.mean,
                                         t.deviation, grad_x, GradMode::accumulate, grad_gamma,
                                         grad_beta, t.workspace);
          },
          0.0,
          bytes_of({t.x, t.y, t.gamma, t.beta, t.mean, t.deviation, grad_gamma, grad_beta}) +
              2.0 * bytes_of({grad_x})};
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
