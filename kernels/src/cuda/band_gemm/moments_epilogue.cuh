// SPDX-License-Identifier: Apache-2.0
// y = sum + bias rounded to bf16, and the moments of every column over the tile's rows, of the
// values as stored.
#pragma once

#include "cuda/band_gemm/column_sums.cuh"
#include "cuda/band_gemm/copies.cuh"
#include "cuda/moments.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Where a tile lies in the matrix of results.
struct TilePlace {
  int number;  ///< of the tile, along the rows
  int first_row, rows;
  int first_column, columns;  ///< columns: up to the end of the matrix
};

struct MomentsEpilogue {
  Rows<bf16> y;
  int alignment;         ///< of the rows of y, in bytes: 16, 8 or less
  const float* bias;     // may be null
  bool with_statistics;  // else the rest is not used
  ChunkResults results;
  StatisticsSink sink;

  /// Shared memory for the results on their way out, and for sums of columns.
  template <class Tile>
  static constexpr int kRowBytes = 2 * Tile::BN + kPackBytes;
  template <class Tile>
  static constexpr int kSharedBytes = Tile::BM* kRowBytes<Tile> + 2 * Tile::kWarpsM* Tile::BN * 4 +
                                      Tile::kThreads* static_cast<int>(sizeof(Pair));

  /// All threads call it when `shared` is no longer read.
  template <class Tile>
  __device__ __forceinline__ void finish(Accumulators<Tile>& sums, const TilePlace& place,
                                         unsigned char* shared) const {
    auto* scratch = reinterpret_cast<float*>(shared + Tile::BM * kRowBytes<Tile>);
    LaneColumns<Tile> totals = round(sums, place, shared);
    if (with_statistics) {
      sum_lanes<Tile>(totals, scratch);
    }
    __syncthreads();
    store<Tile>(place, shared);
    if (!with_statistics) {
      return;
    }
    float* squares = scratch + Tile::kWarpsM * Tile::BN;
    const auto count = static_cast<float>(place.rows);
    LaneColumns<Tile> deviations = squared_deviations(sums, place, scratch, 1.0F / count);
    sum_lanes<Tile>(deviations, squares);
    __syncthreads();
    for (int c = static_cast<int>(threadIdx.x); c < Tile::BN && c < place.columns;
         c += Tile::kThreads) {
      const std::int64_t index = place.number * results.channels + place.first_column + c;
      results.chunk.first[index] = sum_warps<Tile>(scratch, c) / count;
      results.chunk.second[index] = sum_warps<Tile>(squares, c);
    }
    combine_in_last_block<Tile::BN, Tile::kThreads>(
        results, place.number, place.first_column, sink,
        reinterpret_cast<Pair*>(squares + Tile::kWarpsM * Tile::BN));
  }

 private:
  __device__ __forceinline__ float bias_of(const TilePlace& place, int column) const {
    return bias != nullptr && column < place.columns ? bias[place.first_column + column] : 0.0F;
  }

  // Leaves the results rounded in `sums` and in shared memory, and adds up those of rows that
  // exist.
  template <class Tile>
  __device__ __forceinline__ LaneColumns<Tile> round(Accumulators<Tile>& sums,
                                                     const TilePlace& place,
                                                     unsigned char* shared) const {
    const ThreadPlace<Tile> at;
    LaneColumns<Tile> totals{};
#pragma unroll
    for (int j = 0; j < Tile::NI; ++j) {
      const int column = at.column(j, 0);
      float2 offset = make_float2(0.0F, 0.0F);
      if (bias != nullptr && column < place.columns) {
        offset =
            make_float2(bias[place.first_column + column], bias[place.first_column + column + 1]);
      }
#pragma unroll
      for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          float(&value)[4] = sums.v[i][j];
          const int row = at.row(i, 2 * half);
          const std::uint32_t pair =
              ptx::to_bf16x2(value[2 * half] + offset.x, value[2 * half + 1] + offset.y);
          *reinterpret_cast<std::uint32_t*>(shared + row * kRowBytes<Tile> + column * 2) = pair;
          const float2 stored = unpack_bf16x2(pair);
          value[2 * half] = stored.x;
          value[2 * half + 1] = stored.y;
          const bool exists = row < place.rows;
          totals.v[2 * j] += exists ? stored.x : 0.0F;
          totals.v[2 * j + 1] += exists ? stored.y : 0.0F;
        }
      }
    }
    return totals;
  }

  template <class Tile>
  __device__ __forceinline__ static LaneColumns<Tile> squared_deviations(
      const Accumulators<Tile>& sums, const TilePlace& place, const float* totals,
      float inverse_count) {
    const ThreadPlace<Tile> at;
    LaneColumns<Tile> squares{};
#pragma unroll
    for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const float mean = sum_warps<Tile>(totals, at.column(j, e)) * inverse_count;
        float& sum = squares.v[2 * j + e];
#pragma unroll
        for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            const float deviation = sums.v[i][j][2 * half + e] - mean;
            const bool exists = at.row(i, 2 * half) < place.rows;
            sum = exists ? __fmaf_rn(deviation, deviation, sum) : sum;
          }
        }
      }
    }
    return squares;
  }

  template <class Tile>
  __device__ __forceinline__ void store(const TilePlace& place, const unsigned char* shared) const {
    if (alignment == 16) {
      store_parts<Tile, uint4>(place, shared);
    } else if (alignment == 8) {
      store_parts<Tile, uint2>(place, shared);
    } else {
      store_parts<Tile, bf16>(place, shared);
    }
  }
  template <class Tile, class Part>
  __device__ __forceinline__ void store_parts(const TilePlace& place,
                                              const unsigned char* shared) const {
    constexpr int kWidth = static_cast<int>(sizeof(Part) / sizeof(bf16));
    constexpr int kParts = Tile::BN / kWidth;
    const int part = static_cast<int>(threadIdx.x) % kParts;
    if (part * kWidth >= place.columns) {
      return;
    }
    bf16* const tile = y.at(place.first_row, place.first_column + part * kWidth);
    const auto pitch = static_cast<std::uint32_t>(y.pitch);
#pragma unroll 4
    for (int row = static_cast<int>(threadIdx.x) / kParts; row < place.rows;
         row += Tile::kThreads / kParts) {
      *reinterpret_cast<Part*>(tile + static_cast<std::uint64_t>(row) * pitch) =
          *reinterpret_cast<const Part*>(shared + row * kRowBytes<Tile> + part * sizeof(Part));
    }
  }
};

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
