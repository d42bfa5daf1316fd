// SPDX-License-Identifier: Apache-2.0
// The kernel of the weight gradient: rows are filters, columns (tap, channel), k are pixels, cut
// into ranges that are summed in order by a second kernel.
#pragma once

#include "cuda/implicit_gemm/epilogue.cuh"
#include "cuda/implicit_gemm/kernel_choice.cuh"
#include "cuda/implicit_gemm/wgrad_operands.cuh"
#include "cuda/plan/conv_plan.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Results of a block are a tile of filters by a tile of columns, summed over a range of pixels.
template <class Arithmetic, class Tile_, bool VECTOR, class GradientTransform, class PatchTransform>
struct WgradGemm {
  using Tile = Tile_;
  using T = typename Arithmetic::Element;
  using A = GradientLoader<T, Tile::BM, Tile::BK, VECTOR, GradientTransform>;
  using B = PatchLoader<T, Tile::BN, Tile::BK, VECTOR, PatchTransform>;
  using Loop = MainLoop<Tile, Arithmetic, A, B>;
  /// Blocks per multiprocessor that registers must suffice for; 0: what the compiler thinks fit. It
  /// thinks too many where packs are loaded element by element, and spills.
  static constexpr int kLeastBlocks = VECTOR ? 0 : 1;

  struct Arguments {
    ImageWalk walk;
    GatheredRows<T> x, grad_y;
    std::int64_t filters, columns;
    WgradRanges ranges;
    typename GradientTransform::Arguments gradient_change;
    typename PatchTransform::Arguments patch_change;
    float* partial;  // [ranges, filters, columns]
  };

  static Arguments arguments(const ConvProblem& problem, const ConstTensorView& x,
                             const typename PatchTransform::Arguments& patch_change,
                             const ConstTensorView& grad_y,
                             const typename GradientTransform::Arguments& gradient_change,
                             const Workspace& workspace) {
    return {ImageWalk::forward(problem),
            GatheredRows<T>(x),
            GatheredRows<T>(grad_y),
            problem.K,
            problem.R * problem.S * problem.C,
            wgrad_ranges(problem),
            gradient_change,
            patch_change,
            static_cast<float*>(workspace.data)};
  }
  /// Tiles of columns, tiles of filters, ranges.
  static dim3 grid(const Arguments& a) {
    return {blocks_for(a.columns, Tile::BN), blocks_for(a.filters, Tile::BM),
            static_cast<unsigned>(a.ranges.count)};
  }
  static std::uint32_t shared_bytes(const Arguments& a) {
    const std::int64_t tables =
        GradientTransform::kTables * a.filters + PatchTransform::kTables * a.walk.channels();
    return Loop::kSharedBytes +
           static_cast<std::uint32_t>(tables) * static_cast<std::uint32_t>(sizeof(float));
  }

  /// One tile over one range, by a whole block.
  __device__ static __forceinline__ void run(const Arguments& a, const dim3& tile,
                                             unsigned char* stages) {
    auto* tables = reinterpret_cast<float*>(stages + Loop::kSharedBytes);
    const auto filters = static_cast<std::int32_t>(a.filters);
    const GradientTransform change_gradient(a.gradient_change, filters, tables);
    const PatchTransform change_patch(a.patch_change, a.walk.channels(),
                                      tables + GradientTransform::kTables * filters);
    if constexpr (GradientTransform::kActive || PatchTransform::kActive) {
      __syncthreads();
    }
    const std::int64_t first_filter = static_cast<std::int64_t>(tile.y) * Tile::BM;
    const std::int64_t first_column = static_cast<std::int64_t>(tile.x) * Tile::BN;
    const std::int64_t begin = tile.z * a.ranges.pixels_per_range;
    const std::int64_t end = begin + a.ranges.pixels_per_range < a.walk.rows()
                                 ? begin + a.ranges.pixels_per_range
                                 : a.walk.rows();
    const A gradients{
        a.grad_y, filters, static_cast<std::int32_t>(first_filter), {begin, end}, change_gradient};
    const B patches(a.x, a.walk, {begin, end}, change_patch, first_column);
    const int steps = static_cast<int>((end - begin + Tile::BK - 1) / Tile::BK);
    Accumulators<Tile> sums;
    sums.clear();
    Loop::run(gradients, patches, steps, reinterpret_cast<T*>(stages), sums);
    store(sums, a.partial + (tile.z * a.filters + first_filter) * a.columns + first_column,
          a.filters - first_filter, a.columns - first_column, a.columns);
  }

 private:
  /// To `partial`, where so many filters and columns follow; lines are `pitch` apart.
  __device__ static __forceinline__ void store(const Accumulators<Tile>& sums, float* partial,
                                               std::int64_t filters, std::int64_t columns,
                                               std::int64_t pitch) {
    const ThreadPlace<Tile> at;
#pragma unroll
    for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
      for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          if (at.row(i, e) < filters && at.column(j, e) < columns) {
            partial[at.row(i, e) * pitch + at.column(j, e)] = sums.v[i][j][e];
          }
        }
      }
    }
  }
};

template <class Gemm>
__global__ void __launch_bounds__(Gemm::Tile::kThreads, Gemm::kLeastBlocks)
    wgrad_gemm(const __grid_constant__ typename Gemm::Arguments arguments) {
  ACCRETE_DYNAMIC_SHARED(stages);
  Gemm::run(arguments, dim3(blockIdx.x, blockIdx.y, blockIdx.z), stages);
}

/// The ranges added up in order.
struct SumRanges {
  static constexpr int kWidth = 1;
  const float* partial;
  std::int64_t ranges, elements;
  float* grad_weight;
  bool accumulate;

  __device__ void operator()(std::int64_t /*row*/, std::int64_t i) const {
    float sum = accumulate ? grad_weight[i] : 0.0F;
    for (std::int64_t range = 0; range < ranges; ++range) {
      sum += partial[range * elements + i];
    }
    grad_weight[i] = sum;
  }
};

/// Queues the sum of the ranges that `workspace` holds.
inline void launch_sum_ranges(const Stream& stream, const char* op, const ConvProblem& problem,
                              const TensorView& grad_weight, GradMode mode,
                              const Workspace& workspace) {
  const std::int64_t elements = problem.weight_shape().elements();
  const SumRanges sum{static_cast<const float*>(workspace.data), wgrad_ranges(problem).count,
                      elements, grad_weight.f32(), mode == GradMode::accumulate};
  launch_packs(stream, op, sum, 1, elements);
}

/// call.template operator()<Tile>() with the tile for so many filters.
template <class Arithmetic, class Call>
void with_wgrad_tile(std::int64_t filters, const Call& call) {
  using Few = Tile<32, kWgradColumns, 32, 16, kStepDepth<Arithmetic>>;
  using Many = Tile<kWgradFilters, kWgradColumns, 32, 32, kStepDepth<Arithmetic>>;
  filters <= 32 ? call.template operator()<Few>() : call.template operator()<Many>();
}

/// Both kernels, for one arithmetic.
template <class Arithmetic, class GradientTransform, class PatchTransform>
void launch_wgrad(const Stream& stream, const char* op, const ConvProblem& problem,
                  const ConstTensorView& x, const typename PatchTransform::Arguments& patch_change,
                  const ConstTensorView& grad_y,
                  const typename GradientTransform::Arguments& gradient_change, bool vector,
                  const TensorView& grad_weight, GradMode mode, const Workspace& workspace) {
  const auto call = [&]<class ChosenTile, bool VECTOR>() {
    using Gemm = WgradGemm<Arithmetic, ChosenTile, VECTOR, GradientTransform, PatchTransform>;
    const auto arguments =
        Gemm::arguments(problem, x, patch_change, grad_y, gradient_change, workspace);
    launch(stream, op, &wgrad_gemm<Gemm>,
           {Gemm::grid(arguments), ChosenTile::kThreads, Gemm::shared_bytes(arguments)}, arguments);
  };
  with_wgrad_tile<Arithmetic>(problem.K, [&]<class ChosenTile>() {
    vector ? call.template operator()<ChosenTile, true>()
           : call.template operator()<ChosenTile, false>();
  });
  launch_sum_ranges(stream, op, problem, grad_weight, mode, workspace);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
