// SPDX-License-Identifier: Apache-2.0
// CUDA kernels of conv.h; arguments are valid.
#pragma once

#include "accrete/kernels/conv.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void conv_forward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                  ConstTensorView weight, ConstTensorView bias, TensorView y, Workspace workspace);
void conv_dgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView grad_y,
                ConstTensorView weight, TensorView grad_x, GradMode mode, Workspace workspace);
void conv_wgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                ConstTensorView grad_y, TensorView grad_weight, GradMode mode, Workspace workspace);
void bias_grad(const Stream& stream, ConstTensorView grad_y, TensorView grad_bias, GradMode mode,
               Workspace workspace);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
