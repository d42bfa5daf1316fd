// SPDX-License-Identifier: Apache-2.0
// Sums over the rows of a block's tile, per column, in a fixed order.
#pragma once

#include "conv/implicit_gemm/epilogue.cuh"

namespace accrete::kernels::cuda {

/// One value for each column of a thread: [j][e] is column at.column(j, e).
template <class Tile>
struct ColumnValues {
  float v[Tile::NI][2];
};

/// Floats of scratch that one call needs.
template <class Tile>
constexpr int kColumnScratch = Tile::kWarpsM* Tile::BN;

/// Replaces every thread's sums over its own rows by the sums over all rows of the tile. All
/// threads of the block call it; `scratch` may be written by nobody else until the next barrier.
template <class Tile>
__device__ __forceinline__ void total_columns(ColumnValues<Tile>& mine, float* scratch) {
  const ThreadPlace<Tile> at;
  const int warp_row = at.warp_m / Tile::WM;
#pragma unroll
  for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      float sum = mine.v[j][e];
#pragma unroll
      for (int bits = 4; bits < 32; bits *= 2) {
        sum += __shfl_xor_sync(0xFFFFFFFFU, sum, bits);
      }
      if (at.g == 0) {
        scratch[warp_row * Tile::BN + at.column(j, e)] = sum;
      }
    }
  }
  __syncthreads();
#pragma unroll
  for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      float total = 0.0F;
#pragma unroll
      for (int warp = 0; warp < Tile::kWarpsM; ++warp) {
        total += scratch[warp * Tile::BN + at.column(j, e)];
      }
      mine.v[j][e] = total;
    }
  }
}

/// body(column, j, e) for the columns inside the matrix that this thread answers for, so that each
/// is met once in the block.
template <class Tile, class Body>
__device__ __forceinline__ void for_answered_columns(const ResultPlace& place, const Body& body) {
  const ThreadPlace<Tile> at;
  if (at.g == 0 && at.warp_m == 0) {
    for_each_column<Tile>(place, body);
  }
}

}  // namespace accrete::kernels::cuda
