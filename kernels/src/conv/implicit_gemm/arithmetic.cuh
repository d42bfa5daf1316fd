// SPDX-License-Identifier: Apache-2.0
// The three ways to multiply tiles that lie in shared memory: tensor cores on bf16, tensor cores on
// f32 rounded to tf32, and strict f32 multiply-adds. All add up in f32.
#pragma once

#include "conv/implicit_gemm/operand.cuh"
#include "conv/implicit_gemm/tile.cuh"
#include "cuda/ptx.cuh"

namespace accrete::kernels::cuda {

struct Bf16Arithmetic {
  using Element = bf16;

  template <class Tile, class A, class B>
  __device__ static __forceinline__ void multiply(const bf16* a, const bf16* b,
                                                  Accumulators<Tile>& sums) {
    const ThreadPlace<Tile> at;
#pragma unroll
    for (int k = 0; k < Tile::BK; k += 16) {
      std::uint32_t fragment_a[Tile::MI][4];
#pragma unroll
      for (int i = 0; i < Tile::MI; ++i) {
        load_a<A>(fragment_a[i], a, at.warp_m + i * 16, k, at.lane);
      }
#pragma unroll
      for (int j = 0; j < Tile::NI; j += 2) {
        std::uint32_t pair[4];
        load_b<B>(pair, b, at.warp_n + j * 8, k, at.lane);
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
  // Where lanes point: ThreadPlace. Matrices of a 16x16 fragment: rows 0-7 and 8-15 of k 0-7, then
  // of k 8-15.
  template <class A>
  __device__ static __forceinline__ void load_a(std::uint32_t (&d)[4], const bf16* tile, int row,
                                                int k, int lane) {
    if constexpr (A::kOrder == Order::k_contiguous) {
      ptx::ldmatrix_x4(d, tile + A::offset(row + lane % 16, k + lane / 16 * 8));
    } else {
      ptx::ldmatrix_x4_trans(
          d, tile + A::offset(row + lane / 8 % 2 * 8, k + lane % 8 + lane / 16 * 8));
    }
  }
  // Two 8-column fragments: k 0-7 and 8-15 of columns 0-7, then of columns 8-15.
  template <class B>
  __device__ static __forceinline__ void load_b(std::uint32_t (&d)[4], const bf16* tile, int column,
                                                int k, int lane) {
    if constexpr (B::kOrder == Order::k_contiguous) {
      ptx::ldmatrix_x4(d,
                       tile + B::offset(column + lane % 8 + lane / 16 * 8, k + lane / 8 % 2 * 8));
    } else {
      ptx::ldmatrix_x4_trans(d, tile + B::offset(column + lane / 16 * 8, k + lane % 16));
    }
  }
};

struct Tf32Arithmetic {
  using Element = float;

  template <class Tile, class A, class B>
  __device__ static __forceinline__ void multiply(const float* a, const float* b,
                                                  Accumulators<Tile>& sums) {
    const ThreadPlace<Tile> at;
#pragma unroll
    for (int k = 0; k < Tile::BK; k += 8) {
      std::uint32_t fragment_a[Tile::MI][4];
#pragma unroll
      for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const int row = at.warp_m + i * 16 + at.g + e % 2 * 8;
          fragment_a[i][e] = ptx::to_tf32(a[A::offset(row, k + at.t + e / 2 * 4)]);
        }
      }
#pragma unroll
      for (int j = 0; j < Tile::NI; ++j) {
        const int column = at.warp_n + j * 8 + at.g;
        const std::uint32_t fragment_b[2] = {ptx::to_tf32(b[B::offset(column, k + at.t)]),
                                             ptx::to_tf32(b[B::offset(column, k + at.t + 4)])};
#pragma unroll
        for (int i = 0; i < Tile::MI; ++i) {
          ptx::mma_tf32(sums.v[i][j], fragment_a[i], fragment_b);
        }
      }
    }
  }
};

struct StrictArithmetic {
  using Element = float;

  template <class Tile, class A, class B>
  __device__ static __forceinline__ void multiply(const float* a, const float* b,
                                                  Accumulators<Tile>& sums) {
    const ThreadPlace<Tile> at;
#pragma unroll 4
    for (int k = 0; k < Tile::BK; ++k) {
      float left[Tile::MI][2];
#pragma unroll
      for (int i = 0; i < Tile::MI; ++i) {
        left[i][0] = a[A::offset(at.row(i, 0), k)];
        left[i][1] = a[A::offset(at.row(i, 2), k)];
      }
#pragma unroll
      for (int j = 0; j < Tile::NI; ++j) {
        const float right[2] = {b[B::offset(at.column(j, 0), k)], b[B::offset(at.column(j, 1), k)]};
#pragma unroll
        for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
          for (int e = 0; e < 4; ++e) {
            sums.v[i][j][e] = __fmaf_rn(left[i][e / 2], right[e % 2], sums.v[i][j][e]);
          }
        }
      }
    }
  }
};

}  // namespace accrete::kernels::cuda
