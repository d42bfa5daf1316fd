// SPDX-License-Identifier: Apache-2.0
// CUDA kernels of fused_conv.h; arguments are valid.
#pragma once

#include "accrete/kernels/fused_conv.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void fused_conv_forward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                        const NormRelu& norm, ConstTensorView weight, ConstTensorView bias,
                        TensorView y, const StatisticsOutput& statistics, Workspace workspace);
void fused_conv_dgrad(const Stream& stream, const ConvProblem& problem,
                      const DeferredGradient& grad_y, ConstTensorView weight, ConstTensorView x,
                      const NormRelu& norm, const NormReluGradient& out, Workspace workspace);
void fused_conv_wgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                      const NormRelu& norm, const DeferredGradient& grad_y, TensorView grad_weight,
                      GradMode mode, Workspace workspace);
void fused_conv_backward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                         const NormRelu& norm, ConstTensorView weight,
                         const DeferredGradient& grad_y, const NormReluGradient& out,
                         TensorView grad_weight, GradMode weight_mode, Workspace workspace);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
