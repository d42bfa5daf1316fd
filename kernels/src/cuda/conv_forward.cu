// SPDX-License-Identifier: Apache-2.0
// Convolution forward as implicit GEMM: M = N*P*Q pixels, N = K channels, K = R*S*C.
// Floor: x, weight and y moved once; 2*R*S*C FLOP per result. A 128x128 tile in bf16 moves
// 1/64 + 1/64 bytes per FLOP through L2.
#include "cuda/conv.h"
#include "cuda/implicit_gemm/pixel_kernel.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
void conv_forward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                  ConstTensorView weight, ConstTensorView bias, TensorView y,
                  Workspace /*workspace*/) {
  const bool vector = packs_fit(x) && packs_fit(weight);
  const auto call = [&]<class Arithmetic, class Tile, bool VECTOR>() {
    using T = typename Arithmetic::Element;
    using Gemm = PixelGemm<Arithmetic, Tile, Direction::forward, VECTOR, KeepLoaded<T>,
                           ElementWise<StoreWithBias<T>>>;
    return launch_pixel_gemm<Gemm>(
        stream, "conv_forward",
        Gemm::arguments(problem, x, weight, {}, {{Rows<T>(y), bias.f32()}}));
  };
  with_arithmetic(stream, x.dtype,
                  [&]<class Arithmetic>() { with_tile<Arithmetic>(problem.K, vector, call); });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
