// SPDX-License-Identifier: Apache-2.0
// Entry points of dropout.h.
#include "accrete/kernels/dropout.h"

#include "cpu/dropout.h"
#include "dispatch/check.h"

namespace accrete::kernels {
namespace {

// Written so that NaN fails too.
void require_rate(const char* op, float rate) {
  if (!(rate >= 0.0F && rate < 1.0F)) {
    fail(op, "rate is " + std::to_string(rate) + ", must be in [0, 1)");
  }
}

}  // namespace

void dropout_forward(const Stream& stream, float rate, const RandomKey& key, ConstTensorView x,
                     TensorView y) {
  const char* op = "dropout_forward";
  require_device(op, stream.device());
  require_rate(op, rate);
  check_shape(x.shape, "[dropout_forward] x");
  require_tensor(op, stream, "x", x, x.shape);
  require_tensor(op, stream, "y", y, x.shape);
  cpu::dropout(stream.pool(), rate, key, x, y, GradMode::overwrite);
}

void dropout_backward(const Stream& stream, float rate, const RandomKey& key,
                      ConstTensorView grad_y, TensorView grad_x, GradMode mode) {
  const char* op = "dropout_backward";
  require_device(op, stream.device());
  require_rate(op, rate);
  check_shape(grad_y.shape, "[dropout_backward] grad_y");
  require_tensor(op, stream, "grad_y", grad_y, grad_y.shape);
  require_tensor(op, stream, "grad_x", grad_x, grad_y.shape);
  cpu::dropout(stream.pool(), rate, key, grad_y, grad_x, mode);
}

}  // namespace accrete::kernels
