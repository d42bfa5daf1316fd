// SPDX-License-Identifier: Apache-2.0
// Gradient of a convolution's weights with both operands changed on load: x normalised, grad_y with
// what batch norm owes to it. Floor: that of conv_wgrad.cu, and y of grad_y read once.
#include "cuda/fused_conv.h"
#include "cuda/implicit_gemm/wgrad_kernel.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void fused_conv_wgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                      const NormRelu& norm, const DeferredGradient& grad_y, TensorView grad_weight,
                      GradMode mode, Workspace workspace) {
  constexpr const char* kOp = "fused_conv_wgrad";
  const bool vector = packs_fit(x) && packs_fit(grad_y.g) && packs_fit(companion(grad_y));
  with_arithmetic(stream, x.dtype, [&]<class Arithmetic>() {
    using T = typename Arithmetic::Element;
    using Deferred = DeferredOnLoad<T>;
    const typename Deferred::Arguments due{DeferredVectors(grad_y),
                                           ConstRows<T>(companion(grad_y))};
    if (norm) {
      launch_wgrad<Arithmetic, Deferred, NormReluOnLoad<T>>(stream, kOp, problem, x,
                                                            {NormVectors(norm)}, grad_y.g, due,
                                                            vector, grad_weight, mode, workspace);
    } else {
      launch_wgrad<Arithmetic, Deferred, KeepLoaded<T>>(stream, kOp, problem, x, {}, grad_y.g, due,
                                                        vector, grad_weight, mode, workspace);
    }
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
