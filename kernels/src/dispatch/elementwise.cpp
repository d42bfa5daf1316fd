// SPDX-License-Identifier: Apache-2.0
// Entry points of elementwise.h.
#include "accrete/kernels/elementwise.h"

#include "cpu/elementwise.h"
#include "dispatch/check.h"
#include "dispatch/cuda_backend.h"

namespace accrete::kernels {

void copy(const Stream& stream, ConstTensorView src, TensorView dst, GradMode mode) {
  const char* op = "copy";
  require_activation(op, stream, "src", src);
  require_tensor(op, stream, "dst", dst, src.shape, src.dtype);
  require_mode(op, mode);
  Overlaps(op).writes("dst", dst).reads("src", src).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->copy(stream, src, dst, mode);
    return;
  }
  cpu::copy(stream.pool(), src, dst, mode);
}

void add(const Stream& stream, ConstTensorView a, ConstTensorView b, TensorView y) {
  const char* op = "add";
  require_activation(op, stream, "a", a);
  require_tensor(op, stream, "b", b, a.shape, a.dtype);
  require_tensor(op, stream, "y", y, a.shape, a.dtype);
  Overlaps(op).writes("y", y).reads_in_place("a", a).reads_in_place("b", b).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->add(stream, a, b, y);
    return;
  }
  cpu::add(stream.pool(), a, b, y);
}

void fill(const Stream& stream, TensorView dst, float value) {
  const char* op = "fill";
  require_activation(op, stream, "dst", dst);
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->fill(stream, dst, value);
    return;
  }
  cpu::fill(stream.pool(), dst, value);
}

void cast(const Stream& stream, ConstTensorView src, TensorView dst) {
  const char* op = "cast";
  require_activation(op, stream, "src", src);
  require_float_dtype(op, dst.dtype);
  require_tensor(op, stream, "dst", dst, src.shape, dst.dtype);
  Overlaps(op).writes("dst", dst).reads("src", src).require_none();
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->cast(stream, src, dst);
    return;
  }
  cpu::copy(stream.pool(), src, dst, GradMode::overwrite);
}

}  // namespace accrete::kernels
