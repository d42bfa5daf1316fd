// SPDX-License-Identifier: Apache-2.0
// The kernel of forward and dgrad: rows are the pixels of the result, columns its channels.
#pragma once

#include "cuda/implicit_gemm/epilogue.cuh"
#include "cuda/implicit_gemm/gather.cuh"
#include "cuda/implicit_gemm/kernel_choice.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// blockIdx.x is the tile along the pixels, blockIdx.y along the channels. `filter` makes the
/// loader of the weights for a block's first channel; `change` is what the transform of the pixels
/// needs.
template <class Arithmetic, class Tile, Direction DIRECTION, bool VECTOR, class Filter,
          class Transform, class Epilogue>
__global__ void __launch_bounds__(Tile::kThreads, 1)
    pixel_gemm(const __grid_constant__ GatherShape shape,
               ConstRows<typename Arithmetic::Element> source, std::int32_t taps,
               std::int64_t columns, Filter filter, typename Transform::Arguments change,
               Epilogue epilogue) {
  using T = typename Arithmetic::Element;
  using Pixels = GatherLoader<T, Tile::BM, Tile::BK, DIRECTION, VECTOR, Transform>;
  using Loop = MainLoop<Tile, Arithmetic, Pixels, Filter>;
  ACCRETE_SHARED_ARRAY(PixelRow, rows, [Tile::BM]);
  ACCRETE_DYNAMIC_SHARED(stages);
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.x) * Tile::BM;
  const std::int64_t first_column = static_cast<std::int64_t>(blockIdx.y) * Tile::BN;
  for (int i = static_cast<int>(threadIdx.x); i < Tile::BM; i += Tile::kThreads) {
    rows[i] = decode_row<DIRECTION>(shape, first_row + i);
  }
  const Transform transform(change, shape.channels,
                            reinterpret_cast<float*>(stages + Loop::kSharedBytes));
  __syncthreads();

  filter.first_column = first_column;
  const Pixels pixels{source, shape, taps, rows, transform};
  const int steps = steps_along_taps<VECTOR, Tile::BK>(taps, shape.channels);
  Accumulators<Tile> sums;
  sums.clear();
  Loop::run(pixels, filter, steps, reinterpret_cast<T*>(stages), sums);
  epilogue.template finish<Tile>(sums, {first_row, first_column, shape.rows, columns},
                                 reinterpret_cast<float*>(stages));
}

/// Queues pixel_gemm for `columns` result channels.
template <class Arithmetic, class Tile, Direction DIRECTION, bool VECTOR, class Transform,
          class Filter, class Epilogue>
void launch_pixel_gemm(const Stream& stream, const char* op, const GatherShape& shape,
                       const ConstTensorView& source, std::int32_t taps, std::int64_t columns,
                       const Filter& filter, const typename Transform::Arguments& change,
                       const Epilogue& epilogue) {
  using T = typename Arithmetic::Element;
  using Pixels = GatherLoader<T, Tile::BM, Tile::BK, DIRECTION, VECTOR, Transform>;
  const auto tables = static_cast<std::uint32_t>(Transform::kTables * shape.channels) *
                      static_cast<std::uint32_t>(sizeof(float));
  launch(stream, op, &pixel_gemm<Arithmetic, Tile, DIRECTION, VECTOR, Filter, Transform, Epilogue>,
         {dim3(blocks_for(shape.rows, Tile::BM), blocks_for(columns, Tile::BN)), Tile::kThreads,
          MainLoop<Tile, Arithmetic, Pixels, Filter>::kSharedBytes + tables},
         shape, ConstRows<T>(source), taps, columns, filter, change, epilogue);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
