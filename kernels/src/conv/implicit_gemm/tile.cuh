// SPDX-License-Identifier: Apache-2.0
// Sizes of a block's tile of C[M,N] += A[M,K] * B[N,K] and where its threads stand in it. Warps
// form a grid over the tile; a warp's part is cut into 16x8 pieces, the results of one mma.
#pragma once

#include "cuda/platform.cuh"

namespace accrete::kernels::cuda {

constexpr int kTileThreads = 256;

/// Tiles in shared memory at a time: one is multiplied while the others are on their way.
constexpr int kStages = 3;
/// Bytes of a row of an operand per step.
constexpr int kStepBytes = 64;

/// BM x BN results per block, WM x WN per warp, K in steps of BK.
template <int BM_, int BN_, int WM_, int WN_, int BK_>
struct Tile {
  static constexpr int BM = BM_, BN = BN_, WM = WM_, WN = WN_, BK = BK_;
  static constexpr int kWarpsM = BM / WM;
  static constexpr int kWarpsN = BN / WN;
  static constexpr int kThreads = 32 * kWarpsM * kWarpsN;
  static constexpr int MI = WM / 16;  // mma pieces of a warp
  static constexpr int NI = WN / 8;
  static_assert(BM % WM == 0 && BN % WN == 0 && WM % 16 == 0 && WN % 16 == 0 && BK % 16 == 0);
};

/// The sums of one thread: piece (i, j) has rows g and g + 8, columns 2t and 2t + 1 of its 16x8.
template <class Tile>
struct Accumulators {
  float v[Tile::MI][Tile::NI][4];

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
      for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          v[i][j][e] = 0.0F;
        }
      }
    }
  }
};

/// Position of the running thread: its warp's part, and its lane's place in every 16x8 piece, which
/// holds rows g and g + 8 and columns 2 t and 2 t + 1.
///
/// A lane that loads operands by ldmatrix points to one row of 16 bytes, 8 elements of bf16, of a
/// square of 16x16. The square's four matrices come in one of two orders:
///   left half first: row lane % 16, half lane / 16, for the left operand stored [row][k] and the
///   right one that is read transposed from [k][column];
///   upper half first: row lane % 8 + lane / 16 * 8, half lane / 8 % 2, for the right operand
///   stored [column][k] and the left one that is read transposed from [k][row].
template <class Tile>
struct ThreadPlace {
  int lane = static_cast<int>(threadIdx.x) % 32;
  int warp_m = static_cast<int>(threadIdx.x) / 32 % Tile::kWarpsM * Tile::WM;
  int warp_n = static_cast<int>(threadIdx.x) / 32 / Tile::kWarpsM * Tile::WN;
  int g = lane / 4;
  int t = lane % 4;

  /// Row of the block's tile that this lane points to for the left operand of pieces (i, .), stored
  /// [row][k].
  __device__ __forceinline__ int pointed_row(int i) const { return warp_m + i * 16 + lane % 16; }
  /// Row and column, within the block's tile, of element e of piece (i, j).
  __device__ __forceinline__ int row(int i, int e) const { return warp_m + i * 16 + g + e / 2 * 8; }
  __device__ __forceinline__ int column(int j, int e) const {
    return warp_n + j * 8 + 2 * t + e % 2;
  }
};

}  // namespace accrete::kernels::cuda
