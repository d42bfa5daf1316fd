// SPDX-License-Identifier: Apache-2.0
// Entry points of dropout.h.
#include "accrete/kernels/dropout.h"

#include "cpu/dropout.h"
#include "dispatch/check.h"
#include "dispatch/cuda_backend.h"

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
  require_rate(op, rate);
  require_activation(op, stream, "x", x);
  require_tensor(op, stream, "y", y, x.shape, x.dtype);
  Overlaps(op).writes("y", y).reads_in_place("x", x).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->dropout_forward(stream, rate, key, x, y);
    return;
  }
  cpu::dropout(stream.pool(), rate, key, x, y, GradMode::overwrite);
}

void dropout_backward(const Stream& stream, float rate, const RandomKey& key,
                      ConstTensorView grad_y, TensorView grad_x, GradMode mode) {
  const char* op = "dropout_backward";
  require_rate(op, rate);
  require_activation(op, stream, "grad_y", grad_y);
  require_tensor(op, stream, "grad_x", grad_x, grad_y.shape, grad_y.dtype);
  require_mode(op, mode);
  Overlaps(op).writes("grad_x", grad_x).reads_in_place("grad_y", grad_y, mode).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->dropout_backward(stream, rate, key, grad_y, grad_x, mode);
    return;
  }
  cpu::dropout(stream.pool(), rate, key, grad_y, grad_x, mode);
}

}  // namespace accrete::kernels
