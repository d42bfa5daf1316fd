// SPDX-License-Identifier: Apache-2.0
// Gradient of a convolution's weights: by band kernels where they can, else as implicit GEMM, M = K
// filters, N = R*S*C, K = N*P*Q pixels. Floor: x and grad_y moved once, grad_weight once, and the
// partial sums of the ranges twice.
#include "cuda/band_gemm/band_wgrad.h"
#include "cuda/conv.h"
#include "cuda/implicit_gemm/wgrad_kernel.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void conv_wgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                ConstTensorView grad_y, TensorView grad_weight, GradMode mode,
                Workspace workspace) {
  constexpr const char* kOp = "conv_wgrad";
  kernels::DeferredGradient plain;
  plain.g = grad_y;
  if (band_wgrad({stream, kOp, problem, x, {}, plain, grad_weight, mode, workspace})) {
    return;
  }
  with_arithmetic(stream, x.dtype, [&]<class Arithmetic>() {
    using Keep = KeepLoaded<typename Arithmetic::Element>;
    launch_wgrad<Arithmetic, Keep, Keep>(stream, kOp, problem, x, {}, grad_y, {}, packs_fit(grad_y),
                                         grad_weight, mode, workspace);
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
