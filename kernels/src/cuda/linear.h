// SPDX-License-Identifier: Apache-2.0
// CUDA kernels of linear.h; arguments are valid.
#pragma once

#include "accrete/kernels/linear.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void linear_forward(const Stream& stream, ConstTensorView x, ConstTensorView weight,
                    ConstTensorView bias, TensorView y, Workspace workspace);
void linear_dgrad(const Stream& stream, ConstTensorView grad_y, ConstTensorView weight,
                  TensorView grad_x, GradMode mode, Workspace workspace);
void linear_wgrad(const Stream& stream, ConstTensorView x, ConstTensorView grad_y,
                  TensorView grad_weight, GradMode mode, Workspace workspace);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
