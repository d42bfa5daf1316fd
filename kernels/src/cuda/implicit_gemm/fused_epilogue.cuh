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
  bool with_statistics;  // else the rest is not used
  ChunkResults results;
  StatisticsSink sink;

  template <class Tile>
  __device__ __forceinline__ void finish(Accumulators<Tile>& sums, const ResultPlace& place,
                                         float* scratch) const {
    ColumnValues<Tile> totals = store(sums, place);
    if (!with_statistics) {
      return;
    }
    const std::int64_t rest = place.rows - place.first_row;
    const auto count = static_cast<float>(rest < Tile::BM ? rest : Tile::BM);
    __syncthreads();  // the stages have been read out
    total_columns(totals, scratch);
    ColumnValues<Tile> squares = deviations(sums, place, totals, count);
    const ColumnValues<Tile> sum = totals;
    total_columns(squares, scratch + kColumnScratch<Tile>);
    for_answered_columns<Tile>(place, [&](std::int64_t c, int j, int e) {
      const std::int64_t index = place.first_row / Tile::BM * place.columns + c;
      results.chunk.first[index] = sum.v[j][e] / count;
      results.chunk.second[index] = squares.v[j][e];
    });
    combine_in_last_block<Tile::BN>(results, place.first_row / Tile::BM, place.first_column, sink,
                                    reinterpret_cast<Pair*>(scratch));
  }

 private:
  // Stores the results, leaves them rounded in `sums` and adds them up.
  template <class Tile>
  __device__ __forceinline__ ColumnValues<Tile> store(Accumulators<Tile>& sums,
                                                      const ResultPlace& place) const {
    ColumnValues<Tile> totals{};
    for_each_result<Tile>(
        sums, place, [&](std::int64_t row, std::int64_t column, float& value, int j, int e) {
          const T rounded = from_float<T>(bias != nullptr ? value + bias[column] : value);
          *y.at(row, column) = rounded;
          value = to_float(rounded);
          totals.v[j][e] += value;
        });
    return totals;
  }

  template <class Tile>
  __device__ __forceinline__ ColumnValues<Tile> deviations(const Accumulators<Tile>& sums,
                                                           const ResultPlace& place,
                                                           const ColumnValues<Tile>& totals,
                                                           float count) const {
    ColumnValues<Tile> squares{};
    for_each_column<Tile>(place, [&](std::int64_t /*column*/, int j, int e) {
      const float mean = totals.v[j][e] / count;
      for_each_row<Tile>(sums, place, j, e, [&](std::int64_t /*row*/, float value) {
        const float deviation = value - mean;
        squares.v[j][e] += deviation * deviation;
      });
    });
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
  ChunkResults results;
  NormSumsSink sink;

  template <class Tile>
  __device__ __forceinline__ void finish(const Accumulators<Tile>& sums, const ResultPlace& place,
                                         float* scratch) const {
    ColumnValues<Tile> dz_sum{};
    ColumnValues<Tile> product{};
    for_each_column<Tile>(place, [&](std::int64_t column, int j, int e) {
      const float scale = norm.scale(column);
      const float shift = norm.shift(column);
      for_each_row<Tile>(sums, place, j, e, [&](std::int64_t row, float sum) {
        const float value = to_float(*x.at(row, column));
        const float dz = passes_relu(value, scale, shift) ? sum : 0.0F;
        T* target = g.at(row, column);
        const float before = accumulate ? to_float(*target) : 0.0F;
        *target = from_float<T>(__fmaf_rn(norm.gradient_factor(column), dz, before));
        dz_sum.v[j][e] += dz;
        product.v[j][e] = __fmaf_rn(dz, norm.xhat(value, column), product.v[j][e]);
      });
    });
    __syncthreads();  // the stages have been read out
    total_columns(dz_sum, scratch);
    total_columns(product, scratch + kColumnScratch<Tile>);
    for_answered_columns<Tile>(place, [&](std::int64_t c, int j, int e) {
      const std::int64_t index = place.first_row / Tile::BM * place.columns + c;
      results.chunk.first[index] = dz_sum.v[j][e];
      results.chunk.second[index] = product.v[j][e];
    });
    combine_in_last_block<Tile::BN>(results, place.first_row / Tile::BM, place.first_column, sink,
                                    reinterpret_cast<Pair*>(scratch));
  }
};

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
