// SPDX-License-Identifier: Apache-2.0
#include "cuda/conv.h"
#include "cuda/fused_conv.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void conv_forward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                  ConstTensorView weight, ConstTensorView bias, TensorView y, Workspace workspace) {
  cuda::fused_conv_forward(stream, problem, x, {}, weight, bias, y, {}, workspace);
}

void conv_dgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView grad_y,
                ConstTensorView weight, TensorView grad_x, GradMode mode, Workspace workspace) {
  DeferredGradient nothing_due;
  nothing_due.g = grad_y;
  NormReluGradient plain;
  plain.g = grad_x;
  plain.mode = mode;
  cuda::fused_conv_dgrad(stream, problem, nothing_due, weight, {}, {}, plain, workspace);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
