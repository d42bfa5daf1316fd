// SPDX-License-Identifier: Apache-2.0
// Entry points of elementwise.h.
#include "accrete/kernels/elementwise.h"

#include "cpu/elementwise.h"
#include "dispatch/check.h"

namespace accrete::kernels {

void copy(const Stream& stream, ConstTensorView src, TensorView dst, GradMode mode) {
  const char* op = "copy";
  require_device(op, stream.device());
  check_shape(src.shape, "[copy] src");
  require_tensor(op, stream, "src", src, src.shape);
  require_tensor(op, stream, "dst", dst, src.shape);
  cpu::copy(stream.pool(), src, dst, mode);
}

void add(const Stream& stream, ConstTensorView a, ConstTensorView b, TensorView y) {
  const char* op = "add";
  require_device(op, stream.device());
  check_shape(a.shape, "[add] a");
  require_tensor(op, stream, "a", a, a.shape);
  require_tensor(op, stream, "b", b, a.shape);
  require_tensor(op, stream, "y", y, a.shape);
  cpu::add(stream.pool(), a, b, y);
}

void fill(const Stream& stream, TensorView dst, float value) {
  const char* op = "fill";
  require_device(op, stream.device());
  check_shape(dst.shape, "[fill] dst");
  require_tensor(op, stream, "dst", dst, dst.shape);
  cpu::fill(stream.pool(), dst, value);
}

}  // namespace accrete::kernels
