// SPDX-License-Identifier: Apache-2.0
// Gradient of a convolution's weights with both operands changed on load: x normalised, grad_y with
// what batch norm owes to it. Floor: that of conv_wgrad.cu, and y of grad_y read once.
#include "cuda/band_gemm/band_wgrad.h"
#include "cuda/fused_conv.h"
#include "cuda/implicit_gemm/wgrad_kernel.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void fused_conv_wgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                      const NormRelu& norm, const DeferredGradient& grad_y, TensorView grad_weight,
                      GradMode mode, Workspace workspace) {
  constexpr const char* kOp = "fused_conv_wgrad";
  if (band_wgrad({stream, kOp, problem, x, norm, grad_y, grad_weight, mode, workspace})) {
    return;
  }
  const bool packs = packs_fit(grad_y.g) && packs_fit(companion(grad_y));
  with_arithmetic(stream, x.dtype, [&]<class Arithmetic>() {
    using T = typename Arithmetic::Element;
    const auto with_load = [&]<class Patches>(const typename Patches::Arguments& change) {
      launch_wgrad<Arithmetic, DeferredOnLoad<T>, Patches>(stream, kOp, problem, x, change,
                                                           grad_y.g, deferred_arguments<T>(grad_y),
                                                           packs, grad_weight, mode, workspace);
    };
    norm ? with_load.template operator()<NormReluOnLoad<T>>({NormVectors(norm)})
         : with_load.template operator()<KeepLoaded<T>>({});
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
