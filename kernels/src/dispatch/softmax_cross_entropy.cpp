// SPDX-License-Identifier: Apache-2.0
// Entry points of softmax_cross_entropy.h.
#include "accrete/kernels/softmax_cross_entropy.h"

#include "cpu/softmax_cross_entropy.h"
#include "dispatch/check.h"

namespace accrete::kernels {
namespace {

void require_rows(const char* op, const Stream& stream, const char* name,
                  const ConstTensorView& view) {
  require_device(op, stream.device());
  check_shape(view.shape, name);
  if (view.shape.h != 1 || view.shape.w != 1) {
    fail(op, std::string(name) + " is " + to_string(view.shape) + ", expected [N,1,1,C]");
  }
  require_tensor(op, stream, name, view, view.shape);
}

}  // namespace

void softmax_cross_entropy_forward(const Stream& stream, ConstTensorView logits,
                                   ConstTensorView labels, TensorView probabilities,
                                   TensorView loss, TensorView correct) {
  const char* op = "softmax_cross_entropy_forward";
  require_rows(op, stream, "logits", logits);
  require_tensor(op, stream, "labels", labels, {logits.shape.n, 1, 1, 1}, DType::i32);
  require_tensor(op, stream, "probabilities", probabilities, logits.shape);
  require_tensor(op, stream, "loss", loss, channel_vector(1));
  require_tensor(op, stream, "correct", correct, channel_vector(1));
  cpu::softmax_cross_entropy_forward(stream.pool(), logits, labels, probabilities, loss.f32(),
                                     correct.f32());
}

void softmax_cross_entropy_backward(const Stream& stream, ConstTensorView probabilities,
                                    ConstTensorView labels, TensorView grad_logits) {
  const char* op = "softmax_cross_entropy_backward";
  require_rows(op, stream, "probabilities", probabilities);
  require_tensor(op, stream, "labels", labels, {probabilities.shape.n, 1, 1, 1}, DType::i32);
  require_tensor(op, stream, "grad_logits", grad_logits, probabilities.shape);
  cpu::softmax_cross_entropy_backward(stream.pool(), probabilities, labels, grad_logits);
}

}  // namespace accrete::kernels
