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
  using Pixels = GatherLoader<T, Tile::BM, Tile::BK, DIRECTION, VECTOR, Transform>;
  using Loop = MainLoop<Tile, Arithmetic, Pixels, Filter>;

  struct Arguments {
    GatherShape shape;
    ConstRows<T> source;
    std::int32_t taps;
    std::int64_t columns;
    Filter filter;
    typename Transform::Arguments change;
    Epilogue epilogue;
  };

  static Arguments arguments(const ConvProblem& problem, const ConstTensorView& source,
                             const ConstTensorView& weight,
                             const typename Transform::Arguments& change,
                             const Epilogue& epilogue) {
    constexpr bool kForward = DIRECTION == Direction::forward;
    return {kForward ? forward_gather(problem) : dgrad_gather(problem),
            ConstRows<T>(source),
            static_cast<std::int32_t>(problem.R * problem.S),
            kForward ? problem.K : problem.C,
            filter_loader<Filter, T>(problem, weight),
            change,
            epilogue};
  }
  /// Tiles along the pixels and along the channels.
  static dim3 grid(const Arguments& a) {
    return {blocks_for(a.shape.rows, Tile::BM), blocks_for(a.columns, Tile::BN)};
  }
  static std::uint32_t shared_bytes(const Arguments& a) {
    return Loop::kSharedBytes + static_cast<std::uint32_t>(Transform::kTables * a.shape.channels) *
                                    static_cast<std::uint32_t>(sizeof(float));
  }

  /// One tile, by a whole block.
  __device__ static __forceinline__ void run(const Arguments& a, std::int64_t row_tile,
                                             std::int64_t column_tile, unsigned char* stages) {
    ACCRETE_SHARED_ARRAY(PixelRow, rows, [Tile::BM]);
    const std::int64_t first_row = row_tile * Tile::BM;
    for (int i = static_cast<int>(threadIdx.x); i < Tile::BM; i += Tile::kThreads) {
      rows[i] = decode_row<DIRECTION>(a.shape, first_row + i);
    }
    const Transform transform(a.change, a.shape.channels,
                              reinterpret_cast<float*>(stages + Loop::kSharedBytes));
    __syncthreads();

    Filter filter = a.filter;
    filter.first_column = column_tile * Tile::BN;
    const Pixels pixels{a.source, a.shape, a.taps, rows, transform};
    const int steps = steps_along_taps<VECTOR, Tile::BK>(a.taps, a.shape.channels);
    Accumulators<Tile> sums;
    sums.clear();
    Loop::run(pixels, filter, steps, reinterpret_cast<T*>(stages), sums);
    a.epilogue.template finish<Tile>(sums,
                                     {first_row, filter.first_column, a.shape.rows, a.columns},
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
