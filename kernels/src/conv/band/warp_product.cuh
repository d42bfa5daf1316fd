// SPDX-License-Identifier: Apache-2.0
// A warp's part of sums [BM, BN] += a [BM, kSlice] * b [kSlice, BN], operands in shared memory: a
// in rows of pixels that lie anywhere, b in permuted rows of filters (forward: k is contiguous) or
// of k (gradients: columns are contiguous).
#pragma once

#include "conv/band/copies.cuh"
#include "conv/implicit_gemm/tile.cuh"

namespace accrete::kernels::cuda {

enum class FilterOrder : std::uint8_t { k_contiguous, columns_contiguous };

template <class Tile, FilterOrder ORDER>
struct WarpProduct {
  static constexpr int kRowBytes = ORDER == FilterOrder::k_contiguous ? kSliceBytes : 2 * Tile::BN;
  /// Of the b of one slice.
  static constexpr int kBytesB = kSlice * Tile::BN * 2;
  static_assert(kRowBytes == 64 || kRowBytes == 128);
  static_assert(ORDER == FilterOrder::k_contiguous || Tile::WN == Tile::BN);

  /// Where this lane points to for a 16x16 fragment (ThreadPlace), in its row of a.
  __device__ static __forceinline__ int offset_a(int row, int row_bytes) {
    return row * row_bytes + static_cast<int>(threadIdx.x) % 32 / 16 * kPackBytes;
  }
  /// And for two 8-column fragments of b.
  __device__ static __forceinline__ int offset_b() {
    const ThreadPlace<Tile> at;
    if constexpr (ORDER == FilterOrder::k_contiguous) {
      return permuted(at.warp_n + at.lane % 8 + at.lane / 16 * 8, at.lane / 8 % 2, kRowBytes);
    } else {
      return permuted(at.lane % 16, at.lane / 16, kRowBytes);
    }
  }

  /// a + rows_a[i]: this lane's row of fragment i. offset: what offset_b returned.
  __device__ static __forceinline__ void add(const unsigned char* a, const int (&rows_a)[Tile::MI],
                                             const unsigned char* b, int offset,
                                             Accumulators<Tile>& sums) {
#pragma unroll
    for (int k = 0; k < kSlice / 16; ++k) {
      std::uint32_t fragment_a[Tile::MI][4];
#pragma unroll
      for (int i = 0; i < Tile::MI; ++i) {
        ptx::ldmatrix_x4(fragment_a[i], a + rows_a[i] + k * 32);
      }
#pragma unroll
      for (int j = 0; j < Tile::NI; j += 2) {
        std::uint32_t pair[4];
        load_b(pair, b, offset, k, j);
        const std::uint32_t left[2] = {pair[0], pair[1]};
        const std::uint32_t right[2] = {pair[2], pair[3]};
#pragma unroll
        for (int i = 0; i < Tile::MI; ++i) {
          ptx::mma_bf16(sums.v[i][j], fragment_a[i], left);
          ptx::mma_bf16(sums.v[i][j + 1], fragment_a[i], right);
        }
      }
    }
  }

 private:
  // Going on by 16 in k, or by 16 columns, changes the pack's number by 2 in one bit, as permuting
  // does; rows in which that bit is decided by others are a multiple of 8 apart.
  __device__ static __forceinline__ void load_b(std::uint32_t (&d)[4], const unsigned char* b,
                                                int offset, int k, int j) {
    if constexpr (ORDER == FilterOrder::k_contiguous) {
      ptx::ldmatrix_x4(d, b + (offset ^ (k * 32)) + j * 8 * kRowBytes);
    } else {
      ptx::ldmatrix_x4_trans(d, b + (offset ^ (j * 16)) + k * 16 * kRowBytes);
    }
  }
};

}  // namespace accrete::kernels::cuda
