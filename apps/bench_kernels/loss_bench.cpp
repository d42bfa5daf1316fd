// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy behind the classifiers. Too small to fill a GPU: its time is a latency.
#include "accrete/kernels/softmax_cross_entropy.h"
#include "families.h"

namespace accrete::bench {
namespace {

Work forward(Workbench& bench, const LinearShape& shape) {
  const TensorView logits = bench.tensor({shape.N, 1, 1, shape.K});
  const TensorView probabilities = bench.tensor({shape.N, 1, 1, shape.K});
  const TensorView labels = bench.labels(shape.N, shape.K);
  const TensorView loss = bench.channels(1, 0.0F);
  const TensorView correct = bench.channels(1, 0.0F);
  return {[=, stream = bench.stream()] {
            kernels::softmax_cross_entropy_forward(stream, logits, labels, probabilities, loss,
                                                   correct);
          },
          0.0, bytes_of({logits, probabilities, labels, loss, correct})};
}

Work backward(Workbench& bench, const LinearShape& shape) {
  const TensorView probabilities = bench.tensor({shape.N, 1, 1, shape.K});
  const TensorView grad_logits = bench.tensor({shape.N, 1, 1, shape.K});
  const TensorView labels = bench.labels(shape.N, shape.K);
  return {[=, stream = bench.stream()] {
            kernels::softmax_cross_entropy_backward(stream, probabilities, labels, grad_logits);
          },
          0.0, bytes_of({probabilities, grad_logits, labels})};
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
