// SPDX-License-Identifier: Apache-2.0
// Gradient of a convolution's data as implicit GEMM: M = N*H*W pixels of x, N = C channels,
// K = R*S*K: every pixel gathers from the results it took part in.
// Floor: grad_y, weight and grad_x moved once (grad_x twice when accumulating).
#include "cuda/conv.h"
#include "cuda/implicit_gemm/pixel_kernel.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
void conv_dgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView grad_y,
                ConstTensorView weight, TensorView grad_x, GradMode mode, Workspace /*workspace*/) {
  const bool vector = packs_fit(grad_y) && packs_fit(weight);
  const auto call = [&]<class Arithmetic, class Tile, bool VECTOR>() {
    using T = typename Arithmetic::Element;
    using Gemm = PixelGemm<Arithmetic, Tile, Direction::dgrad, VECTOR, KeepLoaded<T>,
                           ElementWise<StoreOrAccumulate<T>>>;
    return launch_pixel_gemm<Gemm>(
        stream, "conv_dgrad",
        Gemm::arguments(problem, grad_y, weight, {},
                        {{Rows<T>(grad_x), mode == GradMode::accumulate}}));
  };
  with_arithmetic(stream, grad_y.dtype,
                  [&]<class Arithmetic>() { with_tile<Arithmetic>(problem.C, vector, call); });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
