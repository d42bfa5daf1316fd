// SPDX-License-Identifier: Apache-2.0
// Convolution forward as implicit GEMM: M = N*P*Q pixels, N = K channels, K = R*S*C.
// Floor: x, weight and y moved once; 2*R*S*C FLOP per result. A 128x128 tile in bf16 moves
// 1/64 + 1/64 bytes per FLOP through L2.
#include "cuda/conv.h"
#include "cuda/implicit_gemm/kernel_choice.cuh"
#include "cuda/implicit_gemm/pixel_kernel.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

// The weights [K, taps * C]: k is contiguous.
template <class T, int EXTENT, int BK, bool VECTOR>
struct FilterLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::k_contiguous>;
  const T* weight;
  std::int64_t filters;
  std::int32_t taps, channels;
  std::int64_t first_column = 0;

  __device__ __forceinline__ void load(int step, int line, int pack, T* shared) const {
    const std::int64_t filter = first_column + line;
    const T* row = weight + filter * taps * channels;
    if constexpr (VECTOR) {
      const int steps_per_tap = (channels + BK - 1) / BK;
      const int channel = step % steps_per_tap * BK + pack;
      const bool valid = filter < filters && channel < channels;
      copy_pack<true>(shared, row + step / steps_per_tap * channels + channel, weight,
                      valid ? Operand::kPackWidth : 0);
    } else {
      const int k = step * BK + pack;
      copy_pack<false>(shared, row + k, weight, filter < filters ? taps * channels - k : 0);
    }
  }
};

}  // namespace

void conv_forward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                  ConstTensorView weight, ConstTensorView bias, TensorView y,
                  Workspace /*workspace*/) {
  const bool vector = packs_fit(x) && packs_fit(weight);
  const auto call = [&]<class Arithmetic, class Tile, bool VECTOR>() {
    using T = typename Arithmetic::Element;
    using Filter = FilterLoader<T, Tile::BN, Tile::BK, VECTOR>;
    using Pixels = GatherLoader<T, Tile::BM, Tile::BK, Direction::forward, VECTOR>;
    const auto taps = static_cast<std::int32_t>(problem.R * problem.S);
    const Filter filter{static_cast<const T*>(weight.data), problem.K, taps,
                        static_cast<std::int32_t>(problem.C)};
    launch(stream, "conv_forward",
           &pixel_gemm<Arithmetic, Tile, Direction::forward, VECTOR, Filter, StoreWithBias<T>>,
           {dim3(blocks_for(y.shape.pixels(), Tile::BM), blocks_for(problem.K, Tile::BN)),
            Tile::kThreads, MainLoop<Tile, Arithmetic, Pixels, Filter>::kSharedBytes},
           forward_gather(problem), ConstRows<T>(x), taps, problem.K, filter,
           StoreWithBias<T>{Rows<T>(y), bias.f32()});
  };
  with_arithmetic(stream, x.dtype,
                  [&]<class Arithmetic>() { with_tile<Arithmetic>(problem.K, vector, call); });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
