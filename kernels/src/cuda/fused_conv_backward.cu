// SPDX-License-Identifier: Apache-2.0
// Both gradients of a convolution in one launch whose blocks have two roles, so that what both read
// comes from memory once and from the L2 cache once more. Floor: that of fused_conv_dgrad.cu, which
// holds what fused_conv_wgrad.cu reads, and the partial sums of the weights twice.
#include "cuda/fused_conv.h"
#include "cuda/implicit_gemm/fused_epilogue.cuh"
#include "cuda/implicit_gemm/pixel_kernel.cuh"
#include "cuda/implicit_gemm/wgrad_kernel.cuh"
#include "cuda/plan/backward_roles.h"
#include "cuda/plan/norm_plan.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

// The number-th walking block.
template <class Weights>
__device__ __forceinline__ void walk(const typename Weights::Arguments& arguments,
                                     const BackwardRoles& roles, std::uint32_t number,
                                     unsigned char* stages) {
  const BackwardTiles& tiles = roles.tiles;
  const std::uint32_t tile = number % (tiles.columns * tiles.filters);
  const std::uint32_t first = number / (tiles.columns * tiles.filters) * roles.ranges_per_span;
  const std::uint32_t end =
      first + roles.ranges_per_span < tiles.ranges ? first + roles.ranges_per_span : tiles.ranges;
#pragma unroll 1
  for (std::uint32_t range = first; range < end; ++range) {
    __syncthreads();  // the range before has been read out of the stages
    Weights::run(arguments, {tile % tiles.columns, tile / tiles.columns, range}, stages);
  }
}

// The number-th of the other blocks.
template <class Data>
__device__ __forceinline__ void take_tile(const typename Data::Arguments& arguments,
                                          const BackwardRoles& roles, std::uint32_t number,
                                          unsigned char* stages) {
  const std::uint32_t place = number / roles.tiles.channels;
  const std::uint32_t tile = place % roles.spans * roles.tiles_per_span + place / roles.spans;
  if (tile < roles.tiles.pixels) {
    Data::run(arguments, tile, number % roles.tiles.channels, stages);
  }
}

template <class Data, class Weights>
__global__ void __launch_bounds__(Data::Tile::kThreads, 2)
    conv_backward(const __grid_constant__ typename Data::Arguments data,
                  const __grid_constant__ typename Weights::Arguments weights,
                  const __grid_constant__ BackwardRoles roles) {
  static_assert(Data::Tile::kThreads == Weights::Tile::kThreads);
  ACCRETE_DYNAMIC_SHARED(stages);
  const std::uint32_t block = blockIdx.x;
  const bool alternates = block < 2 * roles.alternating;
  const std::uint32_t number = alternates ? block / 2 : block - roles.alternating;
  if (alternates ? block % 2 == 0 : roles.walking > roles.alternating) {
    walk<Weights>(weights, roles, number, stages);
  } else {
    take_tile<Data>(data, roles, number, stages);
  }
}

// False where launch_pixel_gemm would return it.
template <class Data, class Weights>
bool launch_backward(const Stream& stream, const char* op, const typename Data::Arguments& data,
                     const typename Weights::Arguments& weights) {
  const std::uint32_t shared = std::max(Data::shared_bytes(data), Weights::shared_bytes(weights));
  if (needs_smaller<typename Data::Tile>(stream, shared)) {
    return false;
  }
  const dim3 of_data = Data::grid(data);
  const dim3 of_weights = Weights::grid(weights);
  const BackwardRoles roles({of_data.x, of_data.y, of_weights.x, of_weights.y, of_weights.z});
  launch(stream, op, &conv_backward<Data, Weights>, {roles.blocks, Data::Tile::kThreads, shared},
         data, weights, roles);
  return true;
}

// The tiles that fused_conv_dgrad takes, so that sums come out the same; there are no kernels here
// for the narrowest one.
constexpr std::int64_t kLeastChannels = 33;
template <class Arithmetic, class Call>
void with_paired_tiles(const ConvProblem& problem, const Call& call) {
  with_wgrad_tile<Arithmetic>(problem.K, [&]<class WeightTile>() {
    if constexpr (sizeof(typename Arithmetic::Element) == 2) {
      if (problem.C > 64 && call.template operator()<WideTile<Arithmetic>, WeightTile>()) {
        return;
      }
    }
    call.template operator()<MediumTile<Arithmetic>, WeightTile>();
  });
}

}  // namespace

void fused_conv_backward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                         const NormRelu& norm, ConstTensorView weight,
                         const DeferredGradient& grad_y, const NormReluGradient& out,
                         TensorView grad_weight, GradMode weight_mode, Workspace workspace) {
  constexpr const char* kOp = "fused_conv_backward";
  const std::size_t of_data = backward_data_bytes(problem);
  const Workspace of_weights{static_cast<std::byte*>(workspace.data) + of_data,
                             workspace.bytes - of_data};
  const bool vector =
      packs_fit(x) && packs_fit(weight) && packs_fit(grad_y.g) && packs_fit(companion(grad_y));
  if (!norm || !vector || problem.C < kLeastChannels) {
    cuda::fused_conv_wgrad(stream, problem, x, norm, grad_y, grad_weight, weight_mode, of_weights);
    cuda::fused_conv_dgrad(stream, problem, grad_y, weight, x, norm, out, workspace);
    return;
  }
  const ChunkResults results =
      chunk_results(stream, kOp, problem.x_shape().pixels(), kFusedTileRows, problem.C, workspace);
  with_arithmetic(stream, x.dtype, [&]<class Arithmetic>() {
    using T = typename Arithmetic::Element;
    using Deferred = DeferredOnLoad<T>;
    const NormGradient<T> epilogue{ConstRows<T>(x), NormGradientVectors(norm, out),
                                   Rows<T>(out.g),  out.mode == GradMode::accumulate,
                                   results,         NormSumsSink(norm, out)};
    const auto due = deferred_arguments<T>(grad_y);
    with_paired_tiles<Arithmetic>(problem, [&]<class DataTile, class WeightTile>() {
      static_assert(DataTile::BM == kFusedTileRows);
      using Data =
          PixelGemm<Arithmetic, DataTile, Direction::dgrad, true, Deferred, NormGradient<T>>;
      using Weights = WgradGemm<Arithmetic, WeightTile, true, Deferred, NormReluOnLoad<T>>;
      return launch_backward<Data, Weights>(
          stream, kOp, Data::arguments(problem, grad_y.g, weight, due, epilogue),
          Weights::arguments(problem, x, {NormVectors(norm)}, grad_y.g, due, of_weights));
    });
  });
  launch_sum_ranges(stream, kOp, problem, grad_weight, weight_mode, of_weights);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
