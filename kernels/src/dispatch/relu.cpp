// SPDX-License-Identifier: Apache-2.0
// Entry points of relu.h.
#include "accrete/kernels/relu.h"

#include "cpu/relu.h"
#include "dispatch/check.h"
#include "dispatch/cuda_backend.h"

namespace accrete::kernels {

void relu_forward(const Stream& stream, ConstTensorView x, TensorView y) {
  const char* op = "relu_forward";
  require_activation(op, stream, "x", x);
  require_tensor(op, stream, "y", y, x.shape, x.dtype);
  Overlaps(op).writes("y", y).reads_in_place("x", x).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->relu_forward(stream, x, y);
    return;
  }
  cpu::relu_forward(stream.pool(), x, y);
}

void relu_backward(const Stream& stream, ConstTensorView grad_y, ConstTensorView y,
                   TensorView grad_x, GradMode mode) {
  const char* op = "relu_backward";
  require_activation(op, stream, "y", y);
  require_tensor(op, stream, "grad_y", grad_y, y.shape, y.dtype);
  require_tensor(op, stream, "grad_x", grad_x, y.shape, y.dtype);
  require_mode(op, mode);
  Overlaps(op)
      .writes("grad_x", grad_x)
      .reads("y", y)
      .reads_in_place("grad_y", grad_y, mode)
      .require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->relu_backward(stream, grad_y, y, grad_x, mode);
    return;
  }
  cpu::relu_backward(stream.pool(), grad_y, y, grad_x, mode);
}

}  // namespace accrete::kernels
