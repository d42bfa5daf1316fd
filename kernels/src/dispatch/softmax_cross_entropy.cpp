// SPDX-License-Identifier: Apache-2.0
// Entry points of softmax_cross_entropy.h.
#include "accrete/kernels/softmax_cross_entropy.h"

#include "cpu/softmax_cross_entropy.h"
#include "dispatch/check.h"
#include "dispatch/cuda_backend.h"

namespace accrete::kernels {
namespace {

// [N,1,1,C] rows and their labels.
void require_rows(const char* op, const Stream& stream, const char* name,
                  const ConstTensorView& rows, const ConstTensorView& labels) {
  require_activation(op, stream, name, rows);
  const Shape expected{rows.shape.n, 1, 1, rows.shape.c};
  require_tensor(op, stream, name, rows, expected, rows.dtype);
  require_tensor(op, stream, "labels", labels, {rows.shape.n, 1, 1, 1}, DType::i32);
}

}  // namespace

void softmax_cross_entropy_forward(const Stream& stream, ConstTensorView logits,
                                   ConstTensorView labels, TensorView probabilities,
                                   TensorView loss, TensorView correct) {
  const char* op = "softmax_cross_entropy_forward";
  require_rows(op, stream, "logits", logits, labels);
  require_tensor(op, stream, "probabilities", probabilities, logits.shape, logits.dtype);
  require_tensor(op, stream, "loss", loss, {1, 1, 1, 1});
  require_tensor(op, stream, "correct", correct, {1, 1, 1, 1});
  Overlaps(op)
      .writes("probabilities", probabilities)
      .writes("loss", loss)
      .writes("correct", correct)
      .reads_in_place("logits", logits)
      .reads("labels", labels)
      .require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->softmax_cross_entropy_forward(stream, logits, labels, probabilities, loss, correct);
    return;
  }
  cpu::softmax_cross_entropy_forward(stream.pool(), logits, labels, probabilities, loss.f32(),
                                     correct.f32());
}

void softmax_cross_entropy_backward(const Stream& stream, ConstTensorView probabilities,
                                    ConstTensorView labels, TensorView grad_logits) {
  const char* op = "softmax_cross_entropy_backward";
  require_rows(op, stream, "probabilities", probabilities, labels);
  require_tensor(op, stream, "grad_logits", grad_logits, probabilities.shape, probabilities.dtype);
  Overlaps(op)
      .writes("grad_logits", grad_logits)
      .reads_in_place("probabilities", probabilities)
      .reads("labels", labels)
      .require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->softmax_cross_entropy_backward(stream, probabilities, labels, grad_logits);
    return;
  }
  cpu::softmax_cross_entropy_backward(stream.pool(), probabilities, labels, grad_logits);
}

}  // namespace accrete::kernels
