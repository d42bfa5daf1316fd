// SPDX-License-Identifier: Apache-2.0
// The kernel of the weight gradient, wgrad_gemm, its arguments, and the sum of its ranges, which is
// a launch of for_each_pack.
#pragma once

#include <type_traits>

#include "conv/implicit_gemm/epilogue.cuh"
#include "conv/implicit_gemm/few_channels.cuh"
#include "conv/implicit_gemm/kernel_choice.cuh"
#include "conv/implicit_gemm/wgrad_operands.cuh"
#include "conv/plan/conv_plan.h"

namespace accrete::kernels::cuda {

/// Results of a block are a tile of filters by a tile of columns, summed over a range of pixels.
/// Where the channels are few, there is one tile of columns, and gradients are loaded in packs.
template <class Arithmetic, class Tile_, Loads LOADS, class GradientTransform, class PatchTransform>
struct WgradGemm {
  using Tile = Tile_;
  using T = typename Arithmetic::Element;
  static constexpr bool kFewChannels = are_few_channels(LOADS);
  static_assert(!kFewChannels || !PatchTransform::kActive);
  using A = GradientLoader<T, Tile::BM, Tile::BK, LOADS != Loads::elements, GradientTransform>;
  using B =
      std::conditional_t<kFewChannels,
                         FewChannelsPatches<T, Tile::BN, Tile::BK, channels_of(LOADS)>,
                         PatchLoader<T, Tile::BN, Tile::BK, LOADS == Loads::packs, PatchTransform>>;
  using Loop = MainLoop<Tile, Arithmetic, A, B>;
  /// Blocks per multiprocessor that registers must suffice for; 0: what the compiler thinks fit. It
  /// thinks too many where packs are loaded element by element, and spills; where channels are few,
  /// a second block has to hide what the first waits for.
  static constexpr int kLeastBlocks = LOADS == Loads::packs ? 0 : LOADS == Loads::elements ? 1 : 2;
  static constexpr std::uint32_t kTableBytes = B::kTableEntries * sizeof(TapElement);

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
    return Loop::kSharedBytes + kTableBytes +
           static_cast<std::uint32_t>(tables) * static_cast<std::uint32_t>(sizeof(float));
  }

  /// One tile over one range, by a whole block.
  __device__ static __forceinline__ void run(const Arguments& a, const dim3& tile,
                                             unsigned char* shared) {
    unsigned char* const stages = ptx::shared_in_register(shared);
    auto* const table = reinterpret_cast<TapElement*>(stages + Loop::kSharedBytes);
    auto* tables = reinterpret_cast<float*>(stages + Loop::kSharedBytes + kTableBytes);
    const auto filters = static_cast<std::int32_t>(a.filters);
    const GradientTransform change_gradient(a.gradient_change, filters, tables);
    const PatchTransform change_patch(a.patch_change, a.walk.channels(),
                                      tables + GradientTransform::kTables * filters);
    const std::int64_t first_filter = static_cast<std::int64_t>(tile.y) * Tile::BM;
    const std::int64_t first_column = static_cast<std::int64_t>(tile.x) * Tile::BN;
    fill_table(table, a, static_cast<int>(first_column));
    __syncthreads();
    const PixelRange range = pixels(a, tile.z);
    const A gradients{a.grad_y, filters, static_cast<std::int32_t>(first_filter), range,
                      change_gradient};
    const int steps = static_cast<int>((range.end - range.begin + Tile::BK - 1) / Tile::BK);
    Accumulators<Tile> sums;
    sums.clear();
    if constexpr (kFewChannels) {
      Loop::run(gradients, B{a.x, a.walk, range, table}, steps, reinterpret_cast<T*>(stages), sums);
    } else {
      Loop::run(gradients, B{a.x, a.walk, range, table, change_patch}, steps,
                reinterpret_cast<T*>(stages), sums);
    }
    store(sums, a.partial + (tile.z * a.filters + first_filter) * a.columns + first_column,
          a.filters - first_filter, a.columns - first_column, a.columns);
  }

 private:
  __device__ static __forceinline__ PixelRange pixels(const Arguments& a, unsigned range) {
    const std::int64_t begin = range * a.ranges.pixels_per_range;
    const std::int64_t end = begin + a.ranges.pixels_per_range;
    return {static_cast<std::uint32_t>(begin),
            static_cast<std::uint32_t>(end < a.walk.rows() ? end : a.walk.rows())};
  }
  __device__ static __forceinline__ void fill_table(TapElement* table, const Arguments& a,
                                                    int first_column) {
    for (int i = static_cast<int>(threadIdx.x); i < B::kTableEntries; i += Tile::kThreads) {
      table[i] = a.walk.tap_element(first_column + i * B::kTableStep, a.x.elements());
    }
  }
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

/// Computes  partial[range][k][(r,s,c)] = sum over the range's pixels (n,p,q) of y of
///           change(grad_y)[n,p,q,k] * change(x)[n, p stride_h - pad_h + r, q stride_w - pad_w + s,
///           c], with 0 outside the image. SumRanges makes grad_weight of it.
/// Operands  x [N,H,W,C] and grad_y [N,P,Q,K] of T, any pitches; partial f32 [ranges, K, R S C].
/// Grid      x: tiles of BN columns (r,s,c): 128, or where channels are few 64 (gray) or 160 (rgb);
///           y: tiles of BM = 32 or 64 filters; z: ranges of pixels (wgrad_ranges: multiples of 32,
///           so many that there are about 264 blocks).
/// Threads   256, as in pixel_gemm.
/// Shared    static none; dynamic 3 stages of BK lines, a pixel each, of kTiles * (BM elements and
///           16 bytes) and of BN elements and 16 bytes; behind them 16 bytes for each column's tap,
///           and of the transforms 4 * kTables bytes for each of the K filters and of the C
///           channels.
/// Limits    as in pixel_gemm; gray and rgb need packs of grad_y, and all columns in one tile; the
///           taps of a filter span fewer than 2^31 elements of x (not checked).
/// Work      2 K R S C FLOP a pixel of y; a step fetches BK (kTiles BM + BN) elements through L2;
///           partial is written here once and read by SumRanges once.
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
#pragma unroll 8
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

/// Few channels where all columns are in one tile.
inline Loads wgrad_loads(const ConvProblem& problem, bool gradient_packs, bool patch_packs,
                         bool patches_change) {
  const std::int64_t columns = problem.R * problem.S * problem.C;
  if (gradient_packs && patch_packs) {
    return Loads::packs;
  }
  const bool few = gradient_packs && !patches_change;
  return few && problem.C == 1 && columns <= kWgradGrayColumns  ? Loads::gray
         : few && problem.C == 3 && columns <= kWgradRgbColumns ? Loads::rgb
                                                                : Loads::elements;
}

/// call.template operator()<Tile, LOADS>() with the tile for so many filters.
template <class Arithmetic, bool FEW_CHANNELS, class Call>
void with_wgrad_tile(Loads loads, std::int64_t filters, const Call& call) {
  constexpr int kDepth = kStepDepth<Arithmetic>;
  using Few = Tile<32, kWgradColumns, 32, 16, kDepth>;
  using Many = Tile<kWgradFilters, kWgradColumns, 32, 32, kDepth>;
  if constexpr (FEW_CHANNELS) {
    if (loads == Loads::gray) {
      call.template
      operator()<Tile<kWgradFilters, kWgradGrayColumns, 16, 32, kDepth>, Loads::gray>();
      return;
    }
    if (loads == Loads::rgb) {
      call.template operator()<Tile<kWgradFilters, kWgradRgbColumns, 16, 80, kDepth>, Loads::rgb>();
      return;
    }
  }
  const auto with = [&]<class ChosenTile>() {
    loads == Loads::packs ? call.template operator()<ChosenTile, Loads::packs>()
                          : call.template operator()<ChosenTile, Loads::elements>();
  };
  filters <= 32 ? with.template operator()<Few>() : with.template operator()<Many>();
}

/// Both kernels, for one arithmetic. `gradient_packs`: whether grad_y and its companion hold packs.
template <class Arithmetic, class GradientTransform, class PatchTransform>
void launch_wgrad(const Stream& stream, const ConvWgrad& call,
                  const typename PatchTransform::Arguments& patch_change,
                  const typename GradientTransform::Arguments& gradient_change, bool gradient_packs,
                  const Workspace& workspace) {
  constexpr bool kPatchesChange = PatchTransform::kActive;
  const ConvProblem& problem = call.problem;
  const Loads loads = wgrad_loads(problem, gradient_packs, packs_fit(call.x), kPatchesChange);
  with_wgrad_tile<Arithmetic, !kPatchesChange>(
      loads, problem.K, [&]<class ChosenTile, Loads LOADS>() {
        static_assert(ChosenTile::kThreads == kTileThreads);
        using Gemm = WgradGemm<Arithmetic, ChosenTile, LOADS, GradientTransform, PatchTransform>;
        const auto arguments = Gemm::arguments(problem, call.x, patch_change, call.grad_y.g,
                                               gradient_change, workspace);
        launch(stream, call.kName, &wgrad_gemm<Gemm>,
               {Gemm::grid(arguments), ChosenTile::kThreads, Gemm::shared_bytes(arguments)},
               arguments);
      });
  launch_sum_ranges(stream, call.kName, problem, call.grad_weight, call.mode, workspace);
}

}  // namespace accrete::kernels::cuda
