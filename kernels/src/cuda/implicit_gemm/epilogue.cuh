// SPDX-License-Identifier: Apache-2.0
// What becomes of the sums of a block. An epilogue provides
//   template <class Tile> void finish(Accumulators<Tile>& sums, const ResultPlace& at,
//                                     float* scratch) const;
// `scratch` is the memory of the stages, which other threads may still read when it is called.
#pragma once

#include "cuda/implicit_gemm/tile.cuh"
#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Where a block's tile lies in the matrix of results.
struct ResultPlace {
  std::int64_t first_row, first_column;
  std::int64_t rows, columns;  ///< of the whole matrix
};

/// y = sum + bias.
template <class T>
struct StoreWithBias {
  Rows<T> y;
  const float* bias;  // may be null

  __device__ __forceinline__ void operator()(std::int64_t row, std::int64_t column,
                                             float sum) const {
    *y.at(row, column) = from_float<T>(bias != nullptr ? sum + bias[column] : sum);
  }
};

/// y (= or +=) sum.
template <class T>
struct StoreOrAccumulate {
  Rows<T> y;
  bool accumulate;

  __device__ __forceinline__ void operator()(std::int64_t row, std::int64_t column,
                                             float sum) const {
    T* result = y.at(row, column);
    *result = from_float<T>(accumulate ? to_float(*result) + sum : sum);
  }
};

/// Calls each(row, column, sum) for every result inside the matrix.
template <class Each>
struct ElementWise {
  Each each;

  template <class Tile>
  __device__ __forceinline__ void finish(const Accumulators<Tile>& sums, const ResultPlace& place,
                                         float* /*scratch*/) const {
    const ThreadPlace<Tile> at;
#pragma unroll
    for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
      for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const std::int64_t row = place.first_row + at.row(i, e);
          const std::int64_t column = place.first_column + at.column(j, e);
          if (row < place.rows && column < place.columns) {
            each(row, column, sums.v[i][j][e]);
          }
        }
      }
    }
  }
};

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
