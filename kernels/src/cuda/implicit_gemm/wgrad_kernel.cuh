// SPDX-License-Identifier: Apache-2.0
// The kernel of the weight gradient: rows are filters, columns (tap, channel), k are pixels, cut
// into ranges that are summed in order by a second kernel.
#pragma once

#include "cuda/implicit_gemm/epilogue.cuh"
#include "cuda/implicit_gemm/gather.cuh"
#include "cuda/implicit_gemm/kernel_choice.cuh"
#include "cuda/plan/conv_plan.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Pixels [begin, end) of the range of this block.
struct PixelRange {
  std::int64_t begin, end;
};

/// grad_y: a line is a pixel, its filters are contiguous.
template <class T, int EXTENT, int BK, bool VECTOR, class Transform>
struct GradientLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  static constexpr int kTiles = VECTOR ? Transform::kTiles : 1;
  static constexpr bool kInPlace = VECTOR && Transform::kActive;
  ConstRows<T> grad_y;
  std::int64_t filters;
  std::int64_t first_filter;
  PixelRange range;
  Transform change;

  __device__ __forceinline__ void load(int step, int line, int pack, T* shared) const {
    const std::int64_t pixel = range.begin + static_cast<std::int64_t>(step) * BK + line;
    const std::int64_t filter = first_filter + pack;
    const std::int64_t rest = pixel < range.end ? filters - filter : 0;
    const int count = static_cast<int>(rest < Operand::kPackWidth ? rest : Operand::kPackWidth);
    const T* source = grad_y.at(count > 0 ? pixel : 0, count > 0 ? filter : 0);
    if constexpr (VECTOR || !Transform::kActive) {
      copy_pack<VECTOR>(shared, source, grad_y.data, count);
    } else {
#pragma unroll
      for (int i = 0; i < Operand::kPackWidth; ++i) {
        shared[i] = i < count ? changed(source[i], pixel, filter + i) : from_float<T>(0.0F);
      }
    }
    if constexpr (kTiles == 2) {
      copy_pack<true>(shared + Operand::kElements,
                      change.y.at(count > 0 ? pixel : 0, count > 0 ? filter : 0), change.y.data,
                      count);
    }
  }

  /// Pixels behind the range and filters behind the last stay zero.
  __device__ __forceinline__ void transform(int step, int line, int pack, T* shared) const {
    const std::int64_t pixel = range.begin + static_cast<std::int64_t>(step) * BK + line;
    const std::int64_t filter = first_filter + pack;
    if (pixel < range.end && filter < filters) {
      transform_pack(change, shared, shared + Operand::kElements,
                     static_cast<std::int32_t>(filter));
    }
  }

 private:
  __device__ __forceinline__ T changed(T value, std::int64_t pixel, std::int64_t filter) const {
    const auto channel = static_cast<std::int32_t>(filter);
    if constexpr (Transform::kTiles == 2) {
      return from_float<T>(change(to_float(value), to_float(*change.y.at(pixel, filter)), channel));
    } else {
      return from_float<T>(change(to_float(value), 0.0F, channel));
    }
  }
};

/// x gathered: a line is a pixel of grad_y, columns are (tap, channel). The transform has no
/// companion.
template <class T, int EXTENT, int BK, bool VECTOR, class Transform>
struct PatchLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  static_assert(Transform::kTiles == 1);
  static constexpr int kTiles = 1;
  static constexpr bool kInPlace = VECTOR && Transform::kActive;
  ConstRows<T> x;
  GatherShape shape;
  std::int64_t columns;
  std::int64_t first_column;
  PixelRange range;
  Transform change;

  __device__ __forceinline__ void load(int step, int line, int pack, T* shared) const {
    const PixelRow row = row_of(step, line);
    const auto column = static_cast<std::int32_t>(first_column + pack);
    if constexpr (VECTOR) {
      const T* source = address(row, column);
      copy_pack<true>(shared, source, x.data, source != nullptr ? Operand::kPackWidth : 0);
    } else {
#pragma unroll
      for (int i = 0; i < Operand::kPackWidth; ++i) {
        shared[i] = element(row, column + i);
      }
    }
  }

  /// Taps outside the image stay zero.
  __device__ __forceinline__ void transform(int step, int line, int pack, T* shared) const {
    const auto column = static_cast<std::int32_t>(first_column + pack);
    if (address(row_of(step, line), column) != nullptr) {
      transform_pack(change, shared, shared, column % shape.channels);
    }
  }

 private:
  __device__ __forceinline__ PixelRow row_of(int step, int line) const {
    const std::int64_t pixel = range.begin + static_cast<std::int64_t>(step) * BK + line;
    return pixel < range.end ? decode_row<Direction::forward>(shape, pixel) : PixelRow{-1, 0, 0};
  }
  __device__ __forceinline__ T element(const PixelRow& row, std::int32_t column) const {
    const T* source = address(row, column);
    if (source == nullptr) {
      return from_float<T>(0.0F);
    }
    if constexpr (Transform::kActive) {
      return from_float<T>(change(to_float(*source), 0.0F, column % shape.channels));
    } else {
      return *source;
    }
  }
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

/// blockIdx: x tile of columns, y tile of filters, z range of pixels. `partial` is
/// [ranges, filters, columns].
template <class Arithmetic, class Tile, bool VECTOR, class GradientTransform, class PatchTransform>
__global__ void __launch_bounds__(Tile::kThreads)
    wgrad_gemm(const __grid_constant__ GatherShape shape, ConstRows<typename Arithmetic::Element> x,
               ConstRows<typename Arithmetic::Element> grad_y, std::int64_t filters,
               std::int64_t columns, std::int64_t pixels_per_range,
               typename GradientTransform::Arguments gradient_change,
               typename PatchTransform::Arguments patch_change, float* partial) {
  using T = typename Arithmetic::Element;
  using A = GradientLoader<T, Tile::BM, Tile::BK, VECTOR, GradientTransform>;
  using B = PatchLoader<T, Tile::BN, Tile::BK, VECTOR, PatchTransform>;
  using Loop = MainLoop<Tile, Arithmetic, A, B>;
  ACCRETE_DYNAMIC_SHARED(stages);
  auto* tables = reinterpret_cast<float*>(stages + Loop::kSharedBytes);
  const auto num_filters = static_cast<std::int32_t>(filters);
  const GradientTransform change_gradient(gradient_change, num_filters, tables);
  const PatchTransform change_patch(patch_change, shape.channels,
                                    tables + GradientTransform::kTables * num_filters);
  if constexpr (GradientTransform::kActive || PatchTransform::kActive) {
    __syncthreads();
  }
  const std::int64_t first_filter = static_cast<std::int64_t>(blockIdx.y) * Tile::BM;
  const std::int64_t first_column = static_cast<std::int64_t>(blockIdx.x) * Tile::BN;
  const std::int64_t begin = blockIdx.z * pixels_per_range;
  const std::int64_t end =
      begin + pixels_per_range < shape.rows ? begin + pixels_per_range : shape.rows;
  const A gradients{grad_y, filters, first_filter, {begin, end}, change_gradient};
  const B patches{x, shape, columns, first_column, {begin, end}, change_patch};
  const int steps = static_cast<int>((end - begin + Tile::BK - 1) / Tile::BK);
  Accumulators<Tile> sums;
  sums.clear();
  Loop::run(gradients, patches, steps, reinterpret_cast<T*>(stages), sums);
  const Rows<float> result(partial + blockIdx.z * filters * columns, columns);
  const ElementWise<StoreOrAccumulate<float>> store{{result, false}};
  store.template finish<Tile>(sums, {first_filter, first_column, filters, columns}, nullptr);
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

/// Both kernels, for one arithmetic.
template <class Arithmetic, class GradientTransform, class PatchTransform>
void launch_wgrad(const Stream& stream, const char* op, const ConvProblem& problem,
                  const ConstTensorView& x, const typename PatchTransform::Arguments& patch_change,
                  const ConstTensorView& grad_y,
                  const typename GradientTransform::Arguments& gradient_change, bool vector,
                  const TensorView& grad_weight, GradMode mode, const Workspace& workspace) {
  using T = typename Arithmetic::Element;
  const std::int64_t columns = problem.R * problem.S * problem.C;
  const WgradRanges ranges = wgrad_ranges(problem);
  auto* partial = static_cast<float*>(workspace.data);
  const auto call = [&]<class ChosenTile, bool VECTOR>() {
    using A = GradientLoader<T, ChosenTile::BM, ChosenTile::BK, VECTOR, GradientTransform>;
    using B = PatchLoader<T, ChosenTile::BN, ChosenTile::BK, VECTOR, PatchTransform>;
    const std::int64_t tables =
        GradientTransform::kTables * problem.K + PatchTransform::kTables * problem.C;
    launch(stream, op,
           &wgrad_gemm<Arithmetic, ChosenTile, VECTOR, GradientTransform, PatchTransform>,
           {dim3(blocks_for(columns, ChosenTile::BN), blocks_for(problem.K, ChosenTile::BM),
                 static_cast<unsigned>(ranges.count)),
            ChosenTile::kThreads,
            MainLoop<ChosenTile, Arithmetic, A, B>::kSharedBytes +
                static_cast<std::uint32_t>(tables) * static_cast<std::uint32_t>(sizeof(float))},
           forward_gather(problem), ConstRows<T>(x), ConstRows<T>(grad_y), problem.K, columns,
           ranges.pixels_per_range, gradient_change, patch_change, partial);
  };
  const auto with_loads = [&]<class ChosenTile>() {
    vector ? call.template operator()<ChosenTile, true>()
           : call.template operator()<ChosenTile, false>();
  };
  using Few = Tile<32, kWgradColumns, 32, 16, kStepDepth<Arithmetic>>;
  using Many = Tile<kWgradFilters, kWgradColumns, 32, 32, kStepDepth<Arithmetic>>;
  problem.K <= 32 ? with_loads.template operator()<Few>() : with_loads.template operator()<Many>();
  const SumRanges sum{partial, ranges.count, problem.K * columns, grad_weight.f32(),
                      mode == GradMode::accumulate};
  launch_packs(stream, op, sum, 1, problem.K * columns);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
