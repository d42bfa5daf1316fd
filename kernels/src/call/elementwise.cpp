// SPDX-License-Identifier: Apache-2.0
// The calls of elementwise.h.
#include "accrete/kernels/elementwise.h"

#include <string>

#include "call/run-inl.h"

namespace accrete::kernels {

Operands operands_of(const Copy& call) {
  const Shape& shape = call.src.shape;
  Operands operands(call.kName, call.src.dtype);
  operands.reads("src", call.src, shape);
  if (call.mode == GradMode::overwrite) {
    require_float_dtype(call.kName, call.dst.dtype);
    return operands.other("dst", call.dst, shape, call.dst.dtype, Operands::Use::written, false);
  }
  return operands.writes("dst", call.dst, shape, call.mode);
}

Operands operands_of(const Fill& call) {
  return Operands(call.kName, call.dst.dtype).writes("dst", call.dst, call.dst.shape);
}

Operands operands_of(const Add& call) {
  const Shape& shape = call.a.shape;
  return Operands(call.kName, call.a.dtype)
      .reads_in_place("a", call.a, shape)
      .reads_in_place("b", call.b, shape)
      .writes("y", call.y, shape);
}

Operands operands_of(const ReluForward& call) {
  const Shape& shape = call.x.shape;
  return Operands(call.kName, call.x.dtype)
      .reads_in_place("x", call.x, shape)
      .writes("y", call.y, shape);
}

Operands operands_of(const ReluBackward& call) {
  const Shape& shape = call.y.shape;
  return Operands(call.kName, call.y.dtype)
      .reads("y", call.y, shape)
      .reads_in_place("grad_y", call.grad_y, shape, call.mode)
      .writes("grad_x", call.grad_x, shape, call.mode);
}

// Written so that NaN fails too.
void require_options(const Stream& /*stream*/, const Dropout& call) {
  if (!(call.rate >= 0.0F && call.rate < 1.0F)) {
    fail(call.kName, "rate is " + std::to_string(call.rate) + ", must be in [0, 1)");
  }
}

Operands operands_of(const Dropout& call) {
  const Shape& shape = call.x.shape;
  return Operands(call.kName, call.x.dtype)
      .reads_in_place("x", call.x, shape, call.mode)
      .writes("y", call.y, shape, call.mode);
}

ACCRETE_INSTANTIATE_CALL(Copy)
ACCRETE_INSTANTIATE_CALL(Fill)
ACCRETE_INSTANTIATE_CALL(Add)
ACCRETE_INSTANTIATE_CALL(ReluForward)
ACCRETE_INSTANTIATE_CALL(ReluBackward)
ACCRETE_INSTANTIATE_CALL(Dropout)

}  // namespace accrete::kernels
