// SPDX-License-Identifier: Apache-2.0
// CPU kernels of relu.h; arguments are valid.
#pragma once

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete::kernels::cpu {

void relu_forward(ThreadPool& pool, const ConstTensorView& x, const TensorView& y);
void relu_backward(ThreadPool& pool, const ConstTensorView& grad_y, const ConstTensorView& y,
                   const TensorView& grad_x, GradMode mode);

}  // namespace accrete::kernels::cpu
