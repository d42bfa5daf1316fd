// SPDX-License-Identifier: Apache-2.0
// Epilogues that leave per-channel results of their tile behind: statistics of what is stored, or
// the sums of a gradient through NormRelu.
#pragma once

#include "cuda/implicit_gemm/column_totals.cuh"
#include "cuda/implicit_gemm/epilogue.cuh"
#include "cuda/moments.cuh"
#include "cuda/norm_gradient.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// y = sum + bias, and the moments of every column over the tile's rows, as stored.
template <class T>
struct StoreWithMoments {
  Rows<T> y;
  const float* bias;     // may be null
  ChunkMoments partial;  // [tiles, columns]; mean null: not wanted

  template <class Tile>
  __device__ __forceinline__ void finish(Accumulators<Tile>& sums, const ResultPlace& place,
                                         float* scratch) const {
    ColumnValues<Tile> totals = store(sums, place);
    if (partial.mean == nullptr) {
      return;
    }
    const std::int64_t rest = place.rows - place.first_row;
    const auto count = static_cast<float>(rest < Tile::BM ? rest : Tile::BM);
    __syncthreads();  // the stages have been read out
    total_columns(totals, scratch);
    ColumnValues<Tile> squares = deviations(sums, place, totals, count);
    const ColumnValues<Tile> sum = totals;
    total_columns(squares, scratch + kColumnScratch<Tile>);
    for_answered_columns<Tile>([&](int column, int j, int e) {
      const std::int64_t c = place.first_column + column;
      if (c < place.columns) {
        const std::int64_t index = place.first_row / Tile::BM * place.columns + c;
        partial.mean[index] = sum.v[j][e] / count;
        partial.m2[index] = squares.v[j][e];
      }
    });
  }

 private:
  // Stores the results, leaves them rounded in `sums` (0 outside the matrix) and adds them up.
  template <class Tile>
  __device__ __forceinline__ ColumnValues<Tile> store(Accumulators<Tile>& sums,
                                                      const ResultPlace& place) const {
    const ThreadPlace<Tile> at;
    ColumnValues<Tile> totals{};
#pragma unroll
    for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
      for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const std::int64_t row = place.first_row + at.row(i, e);
          const std::int64_t column = place.first_column + at.column(j, e);
          float& value = sums.v[i][j][e];
          if (row >= place.rows || column >= place.columns) {
            value = 0.0F;
            continue;
          }
          const T rounded = from_float<T>(bias != nullptr ? value + bias[column] : value);
          *y.at(row, column) = rounded;
          value = to_float(rounded);
          totals.v[j][e % 2] += value;
        }
      }
    }
    return totals;
  }

  template <class Tile>
  __device__ __forceinline__ ColumnValues<Tile> deviations(const Accumulators<Tile>& sums,
                                                           const ResultPlace& place,
                                                           const ColumnValues<Tile>& totals,
                                                           float count) const {
    const ThreadPlace<Tile> at;
    ColumnValues<Tile> squares{};
#pragma unroll
    for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
      for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const float deviation = sums.v[i][j][e] - totals.v[j][e % 2] / count;
          const bool inside = place.first_row + at.row(i, e) < place.rows;
          squares.v[j][e % 2] += inside ? deviation * deviation : 0.0F;
        }
      }
    }
    return squares;
  }
};

/// g (= or +=) factor * dz where NormRelu(x) is positive, and the tile's sums of dz and dz * xhat.
template <class T>
struct NormGradient {
  ConstRows<T> x;
  NormGradientVectors norm;
  Rows<T> g;
  bool accumulate;
  NormSums partial;  // [tiles, columns]

  template <class Tile>
  __device__ __forceinline__ void finish(const Accumulators<Tile>& sums, const ResultPlace& place,
                                         float* scratch) const {
    const ThreadPlace<Tile> at;
    ColumnValues<Tile> dz_sum{};
    ColumnValues<Tile> product{};
#pragma unroll
    for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const std::int64_t column = place.first_column + at.column(j, e);
        if (column < place.columns) {
          mask_column(sums, place, column, j, e, dz_sum.v[j][e], product.v[j][e]);
        }
      }
    }
    __syncthreads();  // the stages have been read out
    total_columns(dz_sum, scratch);
    total_columns(product, scratch + kColumnScratch<Tile>);
    for_answered_columns<Tile>([&](int column, int j, int e) {
      const std::int64_t c = place.first_column + column;
      if (c < place.columns) {
        const std::int64_t index = place.first_row / Tile::BM * place.columns + c;
        partial.dz[index] = dz_sum.v[j][e];
        partial.dz_xhat[index] = product.v[j][e];
      }
    });
  }

 private:
  template <class Tile>
  __device__ __forceinline__ void mask_column(const Accumulators<Tile>& sums,
                                              const ResultPlace& place, std::int64_t column, int j,
                                              int e, float& dz_sum, float& product) const {
    const ThreadPlace<Tile> at;
    const float scale = norm.scale(column);
    const float shift = norm.shift(column);
#pragma unroll
    for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const std::int64_t row = place.first_row + at.row(i, half * 2);
        if (row < place.rows) {
          const float value = to_float(*x.at(row, column));
          const float dz = passes_relu(value, scale, shift) ? sums.v[i][j][half * 2 + e] : 0.0F;
          T* target = g.at(row, column);
          const float before = accumulate ? to_float(*target) : 0.0F;
          *target = from_float<T>(__fmaf_rn(norm.gradient_factor(column), dz, before));
          dz_sum += dz;
          product = __fmaf_rn(dz, norm.xhat(value, column), product);
        }
      }
    }
  }
};

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
