// SPDX-License-Identifier: Apache-2.0
// Both gradients of a convolution in one launch whose blocks have two roles, so that what both read
// comes from memory once and from the L2 cache once more. Floor: that of fused_conv_dgrad.cu, which
// holds what fused_conv_wgrad.cu reads, and the partial sums of the weights twice.
#include "cuda/fused_conv.h"
#include "cuda/plan/norm_plan.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
void fused_conv_backward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                         const NormRelu& norm, ConstTensorView weight,
                         const DeferredGradient& grad_y, const NormReluGradient& out,
                         TensorView grad_weight, GradMode weight_mode, Workspace workspace) {
  const std::size_t of_data = backward_data_bytes(problem);
  const Workspace of_weights{static_cast<std::byte*>(workspace.data) + of_data,
                             workspace.bytes - of_data};
  cuda::fused_conv_wgrad(stream, problem, x, norm, grad_y, grad_weight, weight_mode, of_weights);
  cuda::fused_conv_dgrad(stream, problem, grad_y, weight, x, norm, out, workspace);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
