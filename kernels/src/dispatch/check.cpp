// SPDX-License-Identifier: Apache-2.0
#include "dispatch/check.h"

#include "accrete/kernels/error.h"

namespace accrete::kernels {

void fail(const char* op, const std::string& message) {
  throw Error(ErrorCode::invalid_argument, std::string("[") + op + "] " + message);
}

void require_float_dtype(const char* op, DType dtype) {
  if (dtype != DType::f32 && dtype != DType::bf16) {
    throw Error(ErrorCode::unsupported, std::string("[") + op + "] has no kernel for " +
                                            dtype_name(dtype) + "; it takes f32 or bf16");
  }
}

void require_activation(const char* op, const Stream& stream, const char* name,
                        const ConstTensorView& view) {
  require_float_dtype(op, view.dtype);
  try {
    check_shape(view.shape, name);
  } catch (const Error& error) {
    fail(op, error.what());
  }
  require_tensor(op, stream, name, view, view.shape, view.dtype);
}

void require_tensor(const char* op, const Stream& stream, const char* name,
                    const ConstTensorView& view, const Shape& shape, DType dtype) {
  // Strings are built only to be thrown: a call that is in order must not allocate.
  if (view.data == nullptr) {
    fail(op, std::string(name) + " has no data, expected a tensor " + to_string(shape));
  }
  if (view.shape != shape) {
    fail(op, std::string(name) + " is " + to_string(view.shape) + ", expected " + to_string(shape));
  }
  if (view.dtype != dtype) {
    fail(op,
         std::string(name) + " is " + dtype_name(view.dtype) + ", expected " + dtype_name(dtype));
  }
  if (view.pitch < view.shape.c) {
    fail(op, std::string(name) + " " + to_string(shape) + " has pitch " +
                 std::to_string(view.pitch) + ", which is less than its channels");
  }
  if (view.device != stream.device()) {
    fail(op, std::string(name) + " is on " + to_string(view.device) + ", the stream on " +
                 to_string(stream.device()));
  }
}

void require_packed(const char* op, const Stream& stream, const char* name,
                    const ConstTensorView& view, const Shape& shape, DType dtype) {
  require_tensor(op, stream, name, view, shape, dtype);
  if (!view.packed()) {
    fail(op, std::string(name) + " " + to_string(shape) + " must be packed, has pitch " +
                 std::to_string(view.pitch));
  }
}

void require_workspace(const char* op, const Workspace& workspace, std::size_t bytes) {
  if (workspace.bytes < bytes || (bytes > 0 && workspace.data == nullptr)) {
    fail(op, "workspace has " + std::to_string(workspace.bytes) + " bytes, needs " +
                 std::to_string(bytes));
  }
}

}  // namespace accrete::kernels
