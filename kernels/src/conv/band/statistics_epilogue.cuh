// SPDX-License-Identifier: Apache-2.0
// y = sum + bias rounded to bf16, and the moments of every column over the tile's rows, of the
// values as stored.
#pragma once

#include "conv/band/column_sums.cuh"
#include "conv/band/copies.cuh"
#include "cuda/moments.cuh"

namespace accrete::kernels::cuda {

/// Where a tile lies in the matrix of results.
struct TilePlace {
  int number;  ///< of the tile, along the rows
  int first_row, rows;
  int first_column, columns;  ///< columns: up to the end of the matrix
};

struct StatisticsEpilogue {
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
    auto* totals_of = reinterpret_cast<float*>(shared + Tile::BM * kRowBytes<Tile>);
    if (bias != nullptr) {
      add_bias(sums, place);
    }
    if (place.rows < Tile::BM) {  // they may be anything, and count as zero in the sum
      for_missing_rows<Tile>(place, [&](int i, int j, int e) { sums.v[i][j][e] = 0.0F; });
    }
    LaneColumns<Tile> totals = round(sums, shared);
    if (with_statistics) {
      sum_lanes<Tile>(totals, totals_of);
    }
    __syncthreads();
    store<Tile>(place, shared);
    if (with_statistics) {
      leave_moments(sums, place, totals_of);
    }
  }

 private:
  // Rounded results and their sums over warps' rows; what is behind those is scratch.
  template <class Tile>
  __device__ __forceinline__ void leave_moments(Accumulators<Tile>& sums, const TilePlace& place,
                                                float* totals) const {
    float* squares = totals + Tile::kWarpsM * Tile::BN;
    const LaneColumns<Tile> means = means_of<Tile>(totals, place.rows);
    if (place.rows < Tile::BM) {  // such rows do not deviate
      for_missing_rows<Tile>(
          place, [&](int i, int j, int e) { sums.v[i][j][e] = means.v[2 * j + e % 2]; });
    }
    LaneColumns<Tile> deviations = squared_deviations(sums, means);
    sum_lanes<Tile>(deviations, squares);
    __syncthreads();
    for (int c = static_cast<int>(threadIdx.x); c < Tile::BN && c < place.columns;
         c += Tile::kThreads) {
      const std::int64_t index = place.number * results.channels + place.first_column + c;
      results.chunk.first[index] = sum_warps<Tile>(totals, c) / static_cast<float>(place.rows);
      results.chunk.second[index] = sum_warps<Tile>(squares, c);
    }
    combine_in_last_block<Tile::BN, Tile::kThreads>(
        results, place.number, place.first_column, sink,
        reinterpret_cast<Pair*>(squares + Tile::kWarpsM * Tile::BN));
  }

  template <class Tile>
  __device__ __forceinline__ void add_bias(Accumulators<Tile>& sums, const TilePlace& place) const {
    const ThreadPlace<Tile> at;
#pragma unroll
    for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const int column = at.column(j, e);
        const float of_column = column < place.columns ? bias[place.first_column + column] : 0.0F;
#pragma unroll
        for (int i = 0; i < Tile::MI; ++i) {
          sums.v[i][j][e] += of_column;
          sums.v[i][j][2 + e] += of_column;
        }
      }
    }
  }

  // body(i, j, e) for this thread's sums in rows that do not exist.
  template <class Tile, class Body>
  __device__ __forceinline__ static void for_missing_rows(const TilePlace& place,
                                                          const Body& body) {
    const ThreadPlace<Tile> at;
#pragma unroll
    for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        if (at.row(i, e) >= place.rows) {
#pragma unroll
          for (int j = 0; j < Tile::NI; ++j) {
            body(i, j, e);
          }
        }
      }
    }
  }

  // Leaves the results rounded in `sums` and in shared memory, and adds them up.
  template <class Tile>
  __device__ __forceinline__ static LaneColumns<Tile> round(Accumulators<Tile>& sums,
                                                            unsigned char* shared) {
    const ThreadPlace<Tile> at;
    LaneColumns<Tile> totals{};
#pragma unroll
    for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
      for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          float* value = sums.v[i][j] + 2 * half;
          const std::uint32_t pair = ptx::to_bf16x2(value[0], value[1]);
          *reinterpret_cast<std::uint32_t*>(shared + at.row(i, 2 * half) * kRowBytes<Tile> +
                                            at.column(j, 0) * 2) = pair;
          const float2 stored = unpack_bf16x2(pair);
          value[0] = stored.x;
          value[1] = stored.y;
          totals.v[2 * j] += stored.x;
          totals.v[2 * j + 1] += stored.y;
        }
      }
    }
    return totals;
  }

  template <class Tile>
  __device__ __forceinline__ static LaneColumns<Tile> means_of(const float* totals, int rows) {
    const ThreadPlace<Tile> at;
    const float inverse = 1.0F / static_cast<float>(rows);
    LaneColumns<Tile> means;
#pragma unroll
    for (int c = 0; c < LaneColumns<Tile>::kCount; ++c) {
      means.v[c] = sum_warps<Tile>(totals, at.column(c / 2, c % 2)) * inverse;
    }
    return means;
  }

  template <class Tile>
  __device__ __forceinline__ static LaneColumns<Tile> squared_deviations(
      const Accumulators<Tile>& sums, const LaneColumns<Tile>& means) {
    LaneColumns<Tile> squares{};
#pragma unroll
    for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
      for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const float deviation = sums.v[i][j][e] - means.v[2 * j + e % 2];
          float& sum = squares.v[2 * j + e % 2];
          sum = __fmaf_rn(deviation, deviation, sum);
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
          *reinterpret_cast<const Part*>(shared + row * kRowBytes<Tile> + part * kWidth * 2);
    }
  }
};

}  // namespace accrete::kernels::cuda
