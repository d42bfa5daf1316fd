// SPDX-License-Identifier: Apache-2.0
// Entry points of relu.h.
#include "accrete/kernels/relu.h"

#include "cpu/relu.h"
#include "dispatch/check.h"

namespace accrete::kernels {

void relu_forward(const Stream& stream, ConstTensorView x, TensorView y) {
  const char* op = "relu_forward";
  require_device(op, stream.device());
  check_shape(x.shape, "[relu_forward] x");
  require_tensor(op, stream, "x", x, x.shape);
  require_tensor(op, stream, "y", y, x.shape);
  cpu::relu_forward(stream.pool(), x, y);
}

void relu_backward(const Stream& stream, ConstTensorView grad_y, ConstTensorView y,
                   TensorView grad_x, GradMode mode) {
  const char* op = "relu_backward";
  require_device(op, stream.device());
  check_shape(y.shape, "[relu_backward] y");
  require_tensor(op, stream, "y", y, y.shape);
  require_tensor(op, stream, "grad_y", grad_y, y.shape);
  require_tensor(op, stream, "grad_x", grad_x, y.shape);
  cpu::relu_backward(stream.pool(), grad_y, y, grad_x, mode);
}

}  // namespace accrete::kernels
