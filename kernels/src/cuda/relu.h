// SPDX-License-Identifier: Apache-2.0
// CUDA kernels of relu.h; arguments are valid.
#pragma once

#include "accrete/kernels/relu.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void relu_forward(const Stream& stream, ConstTensorView x, TensorView y);
void relu_backward(const Stream& stream, ConstTensorView grad_y, ConstTensorView y,
                   TensorView grad_x, GradMode mode);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
