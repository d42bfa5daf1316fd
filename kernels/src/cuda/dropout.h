// SPDX-License-Identifier: Apache-2.0
// CUDA kernels of dropout.h; arguments are valid.
#pragma once

#include "accrete/kernels/dropout.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void dropout_forward(const Stream& stream, float rate, const RandomKey& key, ConstTensorView x,
                     TensorView y);
void dropout_backward(const Stream& stream, float rate, const RandomKey& key,
                      ConstTensorView grad_y, TensorView grad_x, GradMode mode);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
