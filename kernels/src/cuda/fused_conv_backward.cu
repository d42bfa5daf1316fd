// SPDX-License-Identifier: Apache-2.0
// Both gradients of a convolution: side by side where band kernels take them, else one after the
// other.
#include "cuda/band_gemm/band_backward.h"
#include "cuda/band_gemm/launch.cuh"
#include "cuda/fused_conv.h"
#include "cuda/norm_vectors.cuh"
#include "cuda/plan/norm_plan.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

bool band_backward(const BackwardCall& call) {
  const int alignment =
      row_alignment(call.x, call.weight, call.grad_y.g, companion(call.grad_y), call.out.g);
  const int side = wgrad_side(call.problem, alignment, call.grad_weight);
  if (side == 0) {
    return false;
  }
  return side == 1 ? band_backward_1x1(call, alignment) : band_backward_3x3(call, alignment);
}

void fused_conv_backward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                         const NormRelu& norm, ConstTensorView weight,
                         const DeferredGradient& grad_y, const NormReluGradient& out,
                         TensorView grad_weight, GradMode weight_mode, Workspace workspace) {
  const std::size_t of_data = backward_data_bytes(problem);
  const Workspace of_weights{static_cast<std::byte*>(workspace.data) + of_data,
                             workspace.bytes - of_data};
  if (norm && band_backward({stream, "fused_conv_backward", problem, x, norm, weight, grad_y, out,
                             grad_weight, weight_mode, workspace, of_weights})) {
    return;
  }
  cuda::fused_conv_wgrad(stream, problem, x, norm, grad_y, grad_weight, weight_mode, of_weights);
  cuda::fused_conv_dgrad(stream, problem, grad_y, weight, x, norm, out, workspace);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
