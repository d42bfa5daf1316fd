// SPDX-License-Identifier: Apache-2.0
// The kernel of forward and dgrad: rows are the pixels of the result, columns its channels.
#pragma once

#include "cuda/implicit_gemm/epilogue.cuh"
#include "cuda/implicit_gemm/gather.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// blockIdx.x is the tile along the pixels, blockIdx.y along the channels. `filter` makes the
/// loader of the weights for a block's first channel.
template <class Arithmetic, class Tile, Direction DIRECTION, bool VECTOR, class Filter,
          class Epilogue>
__global__ void __launch_bounds__(Tile::kThreads)
    pixel_gemm(const __grid_constant__ GatherShape shape,
               ConstRows<typename Arithmetic::Element> source, std::int32_t taps,
               std::int64_t columns, Filter filter, Epilogue epilogue) {
  using T = typename Arithmetic::Element;
  using Pixels = GatherLoader<T, Tile::BM, Tile::BK, DIRECTION, VECTOR>;
  ACCRETE_SHARED_ARRAY(PixelRow, rows, [Tile::BM]);
  ACCRETE_DYNAMIC_SHARED(stages);
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.x) * Tile::BM;
  const std::int64_t first_column = static_cast<std::int64_t>(blockIdx.y) * Tile::BN;
  for (int i = static_cast<int>(threadIdx.x); i < Tile::BM; i += Tile::kThreads) {
    rows[i] = decode_row<DIRECTION>(shape, first_row + i);
  }
  __syncthreads();

  filter.first_column = first_column;
  const Pixels pixels{source, shape, taps, rows};
  const int steps = steps_along_taps<VECTOR, Tile::BK>(taps, shape.channels);
  Accumulators<Tile> sums;
  sums.clear();
  MainLoop<Tile, Arithmetic, Pixels, Filter>::run(pixels, filter, steps,
                                                  reinterpret_cast<T*>(stages), sums);
  finish<Tile>(sums, first_row, first_column, shape.rows, columns, epilogue);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
