// SPDX-License-Identifier: Apache-2.0
// Entry points of convolution: choose the kernel.
#include "cuda/conv.h"

#include "cuda/conv_naive.h"

namespace accrete::kernels::cuda::inline ACCRETE_CUDA_ABI {

void conv_forward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                  ConstTensorView weight, ConstTensorView bias, TensorView y,
                  Workspace /*workspace*/) {
  conv_forward_naive(stream, problem, x, weight, bias, y);
}

void conv_dgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView grad_y,
                ConstTensorView weight, TensorView grad_x, GradMode mode, Workspace /*workspace*/) {
  conv_dgrad_naive(stream, problem, grad_y, weight, grad_x, mode);
}

void conv_wgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                ConstTensorView grad_y, TensorView grad_weight, GradMode mode,
                Workspace /*workspace*/) {
  conv_wgrad_naive(stream, problem, x, grad_y, grad_weight, mode);
}

}  // namespace accrete::kernels::cuda::inline ACCRETE_CUDA_ABI
