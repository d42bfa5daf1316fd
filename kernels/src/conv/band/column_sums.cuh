// SPDX-License-Identifier: Apache-2.0
// Sums of a tile's columns over its rows, in a fixed order: within a warp by shuffles, between
// warps through shared memory.
#pragma once

#include "conv/implicit_gemm/tile.cuh"

namespace accrete::kernels::cuda {

/// A value for each of a lane's columns: number 2 j + e is column 8 j + 2 t + e of the warp's part.
template <class Tile>
struct LaneColumns {
  static constexpr int kCount = 2 * Tile::NI;
  float v[kCount];
};

/// Lanes that differ in BIT keep one half of COUNT values each and add what the other has of them;
/// a single value is added up in both.
template <int BIT, int COUNT>
__device__ __forceinline__ void halve(float* v, bool upper) {
  if constexpr (COUNT == 1) {
    v[0] += __shfl_xor_sync(0xFFFFFFFFU, v[0], BIT);
  } else {
#pragma unroll
    for (int i = 0; i < COUNT / 2; ++i) {
      const float sent = upper ? v[i] : v[i + COUNT / 2];
      const float kept = upper ? v[i + COUNT / 2] : v[i];
      v[i] = kept + __shfl_xor_sync(0xFFFFFFFFU, sent, BIT);
    }
  }
}

/// Sums over the 8 lanes that share a column go to row warp_m / WM of `sums` [kWarpsM][BN]. The
/// lanes halve the values three times, so that each ends with an eighth of the columns.
template <class Tile>
__device__ __forceinline__ void sum_lanes(LaneColumns<Tile>& mine, float* sums) {
  constexpr int kCount = LaneColumns<Tile>::kCount;
  constexpr int kLast = kCount < 8 ? 1 : kCount / 4;
  constexpr int kLeft = kCount < 8 ? 1 : kCount / 8;
  static_assert(kCount % 4 == 0);
  const ThreadPlace<Tile> at;
  halve<16, kCount>(mine.v, (at.g & 4) != 0);
  halve<8, kCount / 2>(mine.v, (at.g & 2) != 0);
  halve<4, kLast>(mine.v, (at.g & 1) != 0);
  const int first = at.g / 4 * (kCount / 2) + at.g / 2 % 2 * (kCount / 4) + at.g % 2 * (kCount / 8);
  float* row = sums + at.warp_m / Tile::WM * Tile::BN;
  if (kCount >= 8 || at.g % 2 == 0) {
#pragma unroll
    for (int i = 0; i < kLeft; ++i) {
      row[at.column((first + i) / 2, (first + i) % 2)] = mine.v[i];
    }
  }
}

/// The sum over the warps of one column.
template <class Tile>
__device__ __forceinline__ float sum_warps(const float* sums, int column) {
  float total = 0.0F;
#pragma unroll
  for (int warp = 0; warp < Tile::kWarpsM; ++warp) {
    total += sums[warp * Tile::BN + column];
  }
  return total;
}

}  // namespace accrete::kernels::cuda
