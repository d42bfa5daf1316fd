// SPDX-License-Identifier: Apache-2.0
// Gradient of a convolution's weights as implicit GEMM: M = K filters, N = R*S*C, K = N*P*Q pixels,
// cut into ranges that are summed in order by a second kernel.
// Floor: x and grad_y moved once, grad_weight once, and the partial sums of the ranges twice.
#include "cuda/conv.h"
#include "cuda/implicit_gemm/epilogue.cuh"
#include "cuda/implicit_gemm/gather.cuh"
#include "cuda/implicit_gemm/kernel_choice.cuh"
#include "cuda/plan/conv_plan.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

// Pixels [begin, end) of the range of this block.
struct PixelRange {
  std::int64_t begin, end;
};

// grad_y: a line is a pixel, its filters are contiguous.
template <class T, int EXTENT, int BK, bool VECTOR>
struct GradientLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  ConstRows<T> grad_y;
  std::int64_t filters;
  std::int64_t first_filter;
  PixelRange range;

  __device__ __forceinline__ void load(int step, int line, int pack, T* shared) const {
    const std::int64_t pixel = range.begin + static_cast<std::int64_t>(step) * BK + line;
    const std::int64_t filter = first_filter + pack;
    const std::int64_t rest = pixel < range.end ? filters - filter : 0;
    const int count = static_cast<int>(rest < Operand::kPackWidth ? rest : Operand::kPackWidth);
    copy_pack<VECTOR>(shared, grad_y.at(count > 0 ? pixel : 0, count > 0 ? filter : 0), grad_y.data,
                      count);
  }
};

// x gathered: a line is a pixel of grad_y, columns are (tap, channel).
template <class T, int EXTENT, int BK, bool VECTOR>
struct PatchLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  ConstRows<T> x;
  GatherShape shape;
  std::int64_t columns;
  std::int64_t first_column;
  PixelRange range;

  __device__ __forceinline__ void load(int step, int line, int pack, T* shared) const {
    const std::int64_t pixel = range.begin + static_cast<std::int64_t>(step) * BK + line;
    const PixelRow row =
        pixel < range.end ? decode_row<Direction::forward>(shape, pixel) : PixelRow{-1, 0, 0};
    const auto column = static_cast<std::int32_t>(first_column + pack);
    if constexpr (VECTOR) {
      const T* source = address(row, column);
      copy_pack<true>(shared, source, x.data, source != nullptr ? Operand::kPackWidth : 0);
    } else {
#pragma unroll
      for (int i = 0; i < Operand::kPackWidth; ++i) {
        const T* source = address(row, column + i);
        shared[i] = source != nullptr ? *source : from_float<T>(0.0F);
      }
    }
  }

 private:
  __device__ __forceinline__ const T* address(const PixelRow& row, std::int32_t column) const {
    if (column >= columns) {
      return nullptr;
    }
    const std::int32_t tap = column / shape.channels;
    const std::int64_t pixel =
        source_pixel<Direction::forward>(shape, row, tap / shape.S, tap % shape.S);
    return pixel >= 0 ? x.at(pixel, column - tap * shape.channels) : nullptr;
  }
};

// blockIdx: x tile of columns, y tile of filters, z range of pixels. `partial` is
// [ranges, filters, columns].
template <class Arithmetic, class Tile, bool VECTOR>
__global__ void __launch_bounds__(Tile::kThreads)
    wgrad_gemm(const __grid_constant__ GatherShape shape, ConstRows<typename Arithmetic::Element> x,
               ConstRows<typename Arithmetic::Element> grad_y, std::int64_t filters,
               std::int64_t columns, std::int64_t pixels_per_range, float* partial) {
  using T = typename Arithmetic::Element;
  using A = GradientLoader<T, Tile::BM, Tile::BK, VECTOR>;
  using B = PatchLoader<T, Tile::BN, Tile::BK, VECTOR>;
  ACCRETE_DYNAMIC_SHARED(stages);
  const std::int64_t first_filter = static_cast<std::int64_t>(blockIdx.y) * Tile::BM;
  const std::int64_t first_column = static_cast<std::int64_t>(blockIdx.x) * Tile::BN;
  const std::int64_t begin = blockIdx.z * pixels_per_range;
  const std::int64_t end =
      begin + pixels_per_range < shape.rows ? begin + pixels_per_range : shape.rows;
  const A gradients{grad_y, filters, first_filter, {begin, end}};
  const B patches{x, shape, columns, first_column, {begin, end}};
  const int steps = static_cast<int>((end - begin + Tile::BK - 1) / Tile::BK);
  Accumulators<Tile> sums;
  sums.clear();
  MainLoop<Tile, Arithmetic, A, B>::run(gradients, patches, steps, reinterpret_cast<T*>(stages),
                                        sums);
  const Rows<float> result(partial + blockIdx.z * filters * columns, columns);
  finish<Tile>(sums, first_filter, first_column, filters, columns,
               StoreOrAccumulate<float>{result, false});
}

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

}  // namespace

void conv_wgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                ConstTensorView grad_y, TensorView grad_weight, GradMode mode,
                Workspace workspace) {
  const std::int64_t columns = problem.R * problem.S * problem.C;
  const WgradRanges ranges = wgrad_ranges(problem);
  auto* partial = static_cast<float*>(workspace.data);
  const auto call = [&]<class Arithmetic, class Tile, bool VECTOR>() {
    using T = typename Arithmetic::Element;
    using A = GradientLoader<T, Tile::BM, Tile::BK, VECTOR>;
    using B = PatchLoader<T, Tile::BN, Tile::BK, VECTOR>;
    launch(stream, "conv_wgrad", &wgrad_gemm<Arithmetic, Tile, VECTOR>,
           {dim3(blocks_for(columns, Tile::BN), blocks_for(problem.K, Tile::BM),
                 static_cast<unsigned>(ranges.count)),
            Tile::kThreads, MainLoop<Tile, Arithmetic, A, B>::kSharedBytes},
           forward_gather(problem), ConstRows<T>(x), ConstRows<T>(grad_y), problem.K, columns,
           ranges.pixels_per_range, partial);
  };
  const bool vector = packs_fit(x) && packs_fit(grad_y);
  with_arithmetic(stream, x.dtype, [&]<class Arithmetic>() {
    using Few = Tile<32, kWgradColumns, 32, 16, kStepDepth<Arithmetic>>;
    using Many = Tile<kWgradFilters, kWgradColumns, 32, 32, kStepDepth<Arithmetic>>;
    const auto with_loads = [&]<class ChosenTile>() {
      vector ? call.template operator()<Arithmetic, ChosenTile, true>()
             : call.template operator()<Arithmetic, ChosenTile, false>();
    };
    problem.K <= 32 ? with_loads.template operator()<Few>()
                    : with_loads.template operator()<Many>();
  });
  const SumRanges sum{partial, ranges.count, problem.K * columns, grad_weight.f32(),
                      mode == GradMode::accumulate};
  launch_packs(stream, "conv_wgrad", sum, 1, problem.K * columns);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
