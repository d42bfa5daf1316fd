// SPDX-License-Identifier: Apache-2.0
// Gradient of a convolution's data as implicit GEMM: M = N*H*W pixels of x, N = C channels,
// K = R*S*K: every pixel gathers from the results it took part in.
// Floor: grad_y, weight and grad_x moved once (grad_x twice when accumulating).
#include "cuda/conv.h"
#include "cuda/implicit_gemm/kernel_choice.cuh"
#include "cuda/implicit_gemm/pixel_kernel.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

// Element (channel c, k = (tap, filter)) is weight[filter][tap][c]: channels are contiguous.
template <class T, int EXTENT, int BK, bool VECTOR>
struct TransposedFilterLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  const T* weight;
  std::int32_t filters, taps, channels;
  std::int64_t first_column = 0;

  __device__ __forceinline__ void load(int step, int line, int pack, T* shared) const {
    int filter;
    int tap;
    if constexpr (VECTOR) {
      const int steps_per_tap = (filters + BK - 1) / BK;
      tap = step / steps_per_tap;
      filter = step % steps_per_tap * BK + line;
    } else {
      const int k = step * BK + line;
      tap = k / filters;
      filter = k - tap * filters;
    }
    const bool valid = tap < taps && filter < filters;
    const std::int64_t channel = first_column + pack;
    const std::int64_t rest = valid ? channels - channel : 0;
    const std::int64_t row = static_cast<std::int64_t>(filter) * taps + tap;
    copy_pack<VECTOR>(shared, weight + row * channels + channel, weight,
                      static_cast<int>(rest < Operand::kPackWidth ? rest : Operand::kPackWidth));
  }
};

}  // namespace

void conv_dgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView grad_y,
                ConstTensorView weight, TensorView grad_x, GradMode mode, Workspace /*workspace*/) {
  const bool vector = packs_fit(grad_y) && packs_fit(weight);
  const auto call = [&]<class Arithmetic, class Tile, bool VECTOR>() {
    using T = typename Arithmetic::Element;
    using Filter = TransposedFilterLoader<T, Tile::BN, Tile::BK, VECTOR>;
    using Pixels = GatherLoader<T, Tile::BM, Tile::BK, Direction::dgrad, VECTOR>;
    const auto taps = static_cast<std::int32_t>(problem.R * problem.S);
    const Filter filter{static_cast<const T*>(weight.data), static_cast<std::int32_t>(problem.K),
                        taps, static_cast<std::int32_t>(problem.C)};
    launch(stream, "conv_dgrad",
           &pixel_gemm<Arithmetic, Tile, Direction::dgrad, VECTOR, Filter, StoreOrAccumulate<T>>,
           {dim3(blocks_for(grad_x.shape.pixels(), Tile::BM), blocks_for(problem.C, Tile::BN)),
            Tile::kThreads, MainLoop<Tile, Arithmetic, Pixels, Filter>::kSharedBytes},
           dgrad_gather(problem), ConstRows<T>(grad_y), taps, problem.C, filter,
           StoreOrAccumulate<T>{Rows<T>(grad_x), mode == GradMode::accumulate});
  };
  with_arithmetic(stream, grad_y.dtype,
                  [&]<class Arithmetic>() { with_tile<Arithmetic>(problem.C, vector, call); });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
