// SPDX-License-Identifier: Apache-2.0
// What becomes of the sums of a block. An epilogue provides
//   template <class Tile> void finish(Accumulators<Tile>& sums, const ResultPlace& at,
//                                     float* scratch) const;
// `scratch` is the memory of the stages, which other threads may still read when it is called.
#pragma once

#include "conv/implicit_gemm/tile.cuh"
#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {

/// Where a block's tile lies in the matrix of results.
struct ResultPlace {
  std::int64_t tile;                   ///< its number along the rows
  std::int64_t rows;                   ///< from the tile's first row to the end of the matrix
  const std::int32_t* pixels;          ///< of the tile's rows, in shared memory
  std::int64_t first_column, columns;  ///< columns: of the whole matrix
};

/// y (= or +=) sum.
template <class T>
struct PlainStore {
  Rows<T> y;
  bool accumulate;

  __device__ __forceinline__ void operator()(std::int64_t row, std::int64_t column,
                                             float sum) const {
    T* result = y.at(row, column);
    *result = from_float<T>(accumulate ? to_float(*result) + sum : sum);
  }
};

/// body(column, j, e) for the columns of this thread that lie inside the matrix.
template <class Tile, class Body>
__device__ __forceinline__ void for_each_column(const ResultPlace& place, const Body& body) {
  const ThreadPlace<Tile> at;
#pragma unroll
  for (int j = 0; j < Tile::NI; ++j) {
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      const std::int64_t column = place.first_column + at.column(j, e);
      if (column < place.columns) {
        body(column, j, e);
      }
    }
  }
}

/// body(pixel, sum) for the results in one of those columns, with a reference to each sum.
template <class Tile, class Sums, class Body>
__device__ __forceinline__ void for_each_row(Sums& sums, const ResultPlace& place, int j, int e,
                                             const Body& body) {
  const ThreadPlace<Tile> at;
#pragma unroll
  for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = at.row(i, half * 2);
      if (row < place.rows) {
        body(place.pixels[row], sums.v[i][j][half * 2 + e]);
      }
    }
  }
}

/// body(row, column, sum, j, e) for every result of this thread inside the matrix.
template <class Tile, class Sums, class Body>
__device__ __forceinline__ void for_each_result(Sums& sums, const ResultPlace& place,
                                                const Body& body) {
  for_each_column<Tile>(place, [&](std::int64_t column, int j, int e) {
    for_each_row<Tile>(sums, place, j, e,
                       [&](std::int64_t row, auto& sum) { body(row, column, sum, j, e); });
  });
}

/// Calls each(row, column, sum) for every result inside the matrix.
template <class Each>
struct ElementWise {
  Each each;

  template <class Tile>
  __device__ __forceinline__ void finish(const Accumulators<Tile>& sums, const ResultPlace& place,
                                         float* /*scratch*/) const {
    for_each_result<Tile>(
        sums, place, [&](std::int64_t row, std::int64_t column, float sum, int /*j*/, int /*e*/) {
          each(row, column, sum);
        });
  }
};

}  // namespace accrete::kernels::cuda
