// SPDX-License-Identifier: Apache-2.0
// What becomes of the sums: an epilogue is called once for every result inside the matrix.
#pragma once

#include "cuda/implicit_gemm/tile.cuh"
#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

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

template <class Tile, class Epilogue>
__device__ __forceinline__ void finish(const Accumulators<Tile>& sums, std::int64_t first_row,
                                       std::int64_t first_column, std::int64_t rows,
                                       std::int64_t columns, const Epilogue& epilogue) {
  const ThreadPlace<Tile> at;
#pragma unroll
  for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
    for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const std::int64_t row = first_row + at.row(i, e);
        const std::int64_t column = first_column + at.column(j, e);
        if (row < rows && column < columns) {
          epilogue(row, column, sums.v[i][j][e]);
        }
      }
    }
  }
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
