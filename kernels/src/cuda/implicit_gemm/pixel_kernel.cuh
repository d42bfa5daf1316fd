// SPDX-License-Identifier: Apache-2.0
// The kernel of forward and dgrad: rows are the pixels of the result, columns its channels.
#pragma once

#include <type_traits>

#include "cuda/implicit_gemm/epilogue.cuh"
#include "cuda/implicit_gemm/filter.cuh"
#include "cuda/implicit_gemm/gather.cuh"
#include "cuda/implicit_gemm/kernel_choice.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// `Transform` changes the pixels on load, `Epilogue` takes the results.
template <class Arithmetic, class Tile_, Direction DIRECTION, bool VECTOR, class Transform,
          class Epilogue>
struct PixelGemm {
  using Tile = Tile_;
  using T = typename Arithmetic::Element;
  using Filter = std::conditional_t<DIRECTION == Direction::forward,
                                    FilterLoader<T, Tile::BN, Tile::BK, VECTOR>,
                                    TransposedFilterLoader<T, Tile::BN, Tile::BK, VECTOR>>;
  using Pixels = GatherLoader<T, Tile::BM, Tile::BK, VECTOR, Transform>;
  using Loop = MainLoop<Tile, Arithmetic, Pixels, Filter>;

  struct Arguments {
    ImageWalk walk;
    Divisor steps_per_tap;
    GatheredRows<T> source;
    const T* weight;
    std::int32_t filters, taps, channels;
    std::int64_t first_tile;  ///< number of the walk's first tile among those of all walks
    typename Transform::Arguments change;
    Epilogue epilogue;
  };

  static Arguments arguments(const ConvProblem& problem, const ImageWalk& walk,
                             const ConstTensorView& source, const ConstTensorView& weight,
                             const typename Transform::Arguments& change,
                             const Epilogue& epilogue) {
    const auto extent = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
    return {walk,
            Divisor((walk.channels() + Tile::BK - 1) / Tile::BK),
            GatheredRows<T>(source),
            static_cast<const T*>(weight.data),
            extent(problem.K),
            extent(problem.R * problem.S),
            extent(problem.C),
            0,
            change,
            epilogue};
  }
  __host__ __device__ static std::int64_t columns(const Arguments& a) {
    return DIRECTION == Direction::forward ? a.filters : a.channels;
  }
  /// Tiles along the pixels and along the channels.
  static dim3 grid(const Arguments& a) {
    return {blocks_for(a.walk.rows(), Tile::BM), blocks_for(columns(a), Tile::BN)};
  }
  static std::uint32_t shared_bytes(const Arguments& a) {
    return Loop::kSharedBytes + static_cast<std::uint32_t>(Transform::kTables * a.walk.channels()) *
                                    static_cast<std::uint32_t>(sizeof(float));
  }

  /// One tile, by a whole block.
  __device__ static __forceinline__ void run(const Arguments& a, std::int64_t row_tile,
                                             std::int64_t column_tile, unsigned char* stages) {
    ACCRETE_SHARED_ARRAY(PixelRow, rows, [Tile::BM]);
    ACCRETE_SHARED_ARRAY(std::int32_t, results, [Tile::BM]);
    for (int i = static_cast<int>(threadIdx.x); i < Tile::BM; i += Tile::kThreads) {
      rows[i] = a.walk.row(row_tile * Tile::BM + i);
      results[i] = a.walk.result_pixel(row_tile * Tile::BM + i);
    }
    const Transform transform(a.change, a.walk.channels(),
                              reinterpret_cast<float*>(stages + Loop::kSharedBytes));
    __syncthreads();

    const std::int64_t first_column = column_tile * Tile::BN;
    const Filter filter{{a.weight, a.filters, a.taps, a.channels, a.steps_per_tap,
                         static_cast<std::int32_t>(first_column)},
                        a.walk};
    const Pixels pixels{a.source, a.walk, a.steps_per_tap, rows, transform};
    const int steps = steps_along_taps<VECTOR, Tile::BK>(a.walk);
    Accumulators<Tile> sums;
    sums.clear();
    Loop::run(pixels, filter, steps, reinterpret_cast<T*>(stages), sums);
    a.epilogue.template finish<Tile>(sums,
                                     {a.first_tile + row_tile, a.walk.rows() - row_tile * Tile::BM,
                                      results, first_column, columns(a)},
                                     reinterpret_cast<float*>(stages));
  }
};

template <class Gemm>
__global__ void __launch_bounds__(Gemm::Tile::kThreads, 1)
    pixel_gemm(const __grid_constant__ typename Gemm::Arguments arguments) {
  ACCRETE_DYNAMIC_SHARED(stages);
  Gemm::run(arguments, blockIdx.x, blockIdx.y, stages);
}

/// False, and nothing is launched, where a smaller tile has to be taken.
template <class Gemm>
bool launch_pixel_gemm(const Stream& stream, const char* op,
                       const typename Gemm::Arguments& arguments) {
  const std::uint32_t shared = Gemm::shared_bytes(arguments);
  if (needs_smaller<typename Gemm::Tile>(stream, shared)) {
    return false;
  }
  launch(stream, op, &pixel_gemm<Gemm>, {Gemm::grid(arguments), Gemm::Tile::kThreads, shared},
         arguments);
  return true;
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
