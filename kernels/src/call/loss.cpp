// SPDX-License-Identifier: Apache-2.0
// The calls of loss.h.
#include "accrete/kernels/loss.h"

#include "call/run-inl.h"

namespace accrete::kernels {
namespace {

// [N,1,1,C] rows and their labels.
Shape rows_of(const ConstTensorView& view) {
  return {view.shape.n, 1, 1, view.shape.c};
}
Operands& reads_labels(Operands& operands, const ConstTensorView& labels, std::int64_t N) {
  return operands.other("labels", labels, {N, 1, 1, 1}, DType::i32, Operands::Use::read, false);
}

}  // namespace

Operands operands_of(const SoftmaxCrossEntropyForward& call) {
  const Shape rows = rows_of(call.logits);
  Operands operands(call.kName, call.logits.dtype);
  operands.reads_in_place("logits", call.logits, rows);
  return reads_labels(operands, call.labels, rows.n)
      .writes("probabilities", call.probabilities, rows)
      .writes_vector("loss", call.loss, 1)
      .writes_vector("correct", call.correct, 1);
}

Operands operands_of(const SoftmaxCrossEntropyBackward& call) {
  const Shape rows = rows_of(call.probabilities);
  Operands operands(call.kName, call.probabilities.dtype);
  operands.reads_in_place("probabilities", call.probabilities, rows);
  return reads_labels(operands, call.labels, rows.n).writes("grad_logits", call.grad_logits, rows);
}

ACCRETE_INSTANTIATE_CALL(SoftmaxCrossEntropyForward)
ACCRETE_INSTANTIATE_CALL(SoftmaxCrossEntropyBackward)

}  // namespace accrete::kernels
