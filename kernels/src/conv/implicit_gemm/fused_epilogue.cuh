// SPDX-License-Identifier: Apache-2.0
// Epilogues that leave per-channel results of their tile behind: statistics of what is stored, or
// the sums of a gradient through NormRelu.
#pragma once

#include "conv/band/statistics_epilogue.cuh"
#include "conv/implicit_gemm/column_totals.cuh"
#include "conv/implicit_gemm/epilogue.cuh"
#include "cuda/moments.cuh"
#include "cuda/norm_gradient.cuh"

namespace accrete::kernels::cuda {

/// y = sum + bias, and if wanted the moments of every column over the tile's rows, as stored. Rows
/// of a tile are consecutive pixels.
template <class T>
struct StatisticsStore;

template <>
struct StatisticsStore<bf16> : StatisticsEpilogue {
  template <class Tile>
  __device__ __forceinline__ void finish(Accumulators<Tile>& sums, const ResultPlace& place,
                                         float* scratch) const {
    const auto narrow = [](std::int64_t value) { return static_cast<int>(value); };
    __syncthreads();  // the stages have been read out
    StatisticsEpilogue::finish(
        sums,
        {narrow(place.tile), place.pixels[0], place.rows < Tile::BM ? narrow(place.rows) : Tile::BM,
         narrow(place.first_column), narrow(place.columns - place.first_column)},
        reinterpret_cast<unsigned char*>(scratch));
  }
};

template <>
struct StatisticsStore<float> {
  using T = float;
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
    const auto count = static_cast<float>(place.rows < Tile::BM ? place.rows : Tile::BM);
    __syncthreads();  // the stages have been read out
    total_columns(totals, scratch);
    ColumnValues<Tile> squares = deviations(sums, place, totals, count);
    const ColumnValues<Tile> sum = totals;
    total_columns(squares, scratch + kColumnScratch<Tile>);
    for_answered_columns<Tile>(place, [&](std::int64_t c, int j, int e) {
      const std::int64_t index = place.tile * place.columns + c;
      results.chunk.first[index] = sum.v[j][e] / count;
      results.chunk.second[index] = squares.v[j][e];
    });
    combine_in_last_block<Tile::BN>(results, place.tile, place.first_column, sink,
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
struct NormGradientStore {
  ConstRows<T> x;
  NormGradientVectors norm;
  Rows<T> g;
  bool accumulate;
  ChunkResults results;
  NormGradientSums sink;

  template <class Tile>
  __device__ __forceinline__ void finish(const Accumulators<Tile>& sums, const ResultPlace& place,
                                         float* scratch) const {
    ColumnValues<Tile> dz_sum{};
    ColumnValues<Tile> product{};
    for_each_column<Tile>(place, [&](std::int64_t column, int j, int e) {
      const float scale = norm.scale(column);
      const float shift = norm.shift(column);
      const float factor = norm.gradient_factor(column);
      const float mean = norm.mean[column];
      for_each_row<Tile>(sums, place, j, e, [&](std::int64_t row, float sum) {
        const float value = to_float(*x.at(row, column));
        const float dz = passes_relu(value, scale, shift) ? sum : 0.0F;
        T* target = g.at(row, column);
        const float before = accumulate ? to_float(*target) : 0.0F;
        *target = from_float<T>(__fmaf_rn(factor, dz, before));
        dz_sum.v[j][e] += dz;
        product.v[j][e] = __fmaf_rn(dz, value - mean, product.v[j][e]);
      });
    });
    __syncthreads();  // the stages have been read out
    total_columns(dz_sum, scratch);
    total_columns(product, scratch + kColumnScratch<Tile>);
    for_answered_columns<Tile>(place, [&](std::int64_t c, int j, int e) {
      const std::int64_t index = place.tile * place.columns + c;
      results.chunk.first[index] = dz_sum.v[j][e];
      results.chunk.second[index] = product.v[j][e] * norm.inv_std[c];
    });
    combine_in_last_block<Tile::BN>(results, place.tile, place.first_column, sink,
                                    reinterpret_cast<Pair*>(scratch));
  }
};

}  // namespace accrete::kernels::cuda
