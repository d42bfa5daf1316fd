// SPDX-License-Identifier: Apache-2.0
// Rectified linear unit.
#pragma once

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete::kernels {

/// y = max(0, x); NaN stays NaN. y may be x itself or not overlap it.
void relu_forward(const Stream& stream, ConstTensorView x, TensorView y);

/// grad_x (= or +=) grad_y where y > 0, else 0. `y` is the forward output. With mode overwrite
/// grad_x may be grad_y itself.
void relu_backward(const Stream& stream, ConstTensorView grad_y, ConstTensorView y,
                   TensorView grad_x, GradMode mode);

}  // namespace accrete::kernels
