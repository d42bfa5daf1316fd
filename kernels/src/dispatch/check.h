// SPDX-License-Identifier: Apache-2.0
// Checks shared by the public entry points: every message names the op, the tensor and the shapes.
#pragma once

#include <string>

#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/workspace.h"

namespace accrete::kernels {

/// Throws Error(invalid_argument, "[op] message").
[[noreturn]] void fail(const char* op, const std::string& message);

/// Throws Error(unsupported) unless kernels compute with this dtype: f32 or bf16.
void require_float_dtype(const char* op, DType dtype);

/// The view must have data, this shape, this dtype, pitch >= C and the stream's device.
void require_tensor(const char* op, const Stream& stream, const char* name,
                    const ConstTensorView& view, const Shape& shape, DType dtype = DType::f32);

/// The tensor that decides a call's dtype: any shape, a dtype that the device computes with.
void require_activation(const char* op, const Stream& stream, const char* name,
                        const ConstTensorView& view);

/// As require_tensor, and pitch == C.
void require_packed(const char* op, const Stream& stream, const char* name,
                    const ConstTensorView& view, const Shape& shape, DType dtype = DType::f32);

void require_workspace(const char* op, const Workspace& workspace, std::size_t bytes);

}  // namespace accrete::kernels
