// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy with the probabilities in the place of the logits.
#include "call/backend.h"
#include "reference/operations.h"
#include "simt/planted/driver.h"
#include "support/random_fill.h"

namespace accrete::test {

void run_case(const Stream& stream, Findings& findings) {
  const Shape shape{20, 1, 1, 50};
  const auto values = uniform(shape.elements(), 1, -4.0F, 4.0F);
  const auto classes = labels(shape.n, 2, 50);
  GuardedTensor logits(shape, {3, 5});
  logits.set_values(values);
  GuardedTensor label_tensor({shape.n, 1, 1, 1}, {}, DType::i32);
  label_tensor.set_labels(classes);
  GuardedTensor loss(channel_vector(1));
  GuardedTensor correct(channel_vector(1));

  kernels::cuda::run(
      stream,
      kernels::SoftmaxCrossEntropyForward{logits.view(), label_tensor.view(), logits.view(),
                                          loss.view(), correct.view()},
      {});
  for (const GuardedTensor* tensor : {&logits, &label_tensor, &loss, &correct}) {
    findings.watch(*tensor);
  }
  const auto expected =
      reference::softmax_cross_entropy(50, {values.begin(), values.end()}, classes);
  findings.compare(logits.values(), expected.probabilities, {1e-6, 1e-6});
  findings.compare(loss.values(), {expected.loss}, {1e-6, 1e-6});
  findings.compare(correct.values(), {expected.correct}, {});
}

}  // namespace accrete::test
