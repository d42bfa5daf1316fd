// SPDX-License-Identifier: Apache-2.0
// Reductions over the rows of every channel: a block reduces one chunk of rows for 32 channels, and
// the last one combines the chunks (chunk_combine.cuh). All orders are fixed by the shape.
#pragma once

#include "cuda/plan/row_chunks.h"
#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

constexpr unsigned kReduceLanes = 32;  // channels of a block
constexpr unsigned kReduceRows = 8;    // rows read at a time

/// Position of a thread in a chunk reduction.
struct ChunkPosition {
  std::int64_t channel;
  std::int64_t first_row;  ///< this thread's first row
  std::int64_t end_row;    ///< end of the chunk
  std::int64_t chunk_rows;

  __device__ ChunkPosition(std::int64_t rows, std::int64_t rows_per_chunk) {
    channel = static_cast<std::int64_t>(blockIdx.x) * kReduceLanes + threadIdx.x;
    const std::int64_t begin = static_cast<std::int64_t>(blockIdx.y) * rows_per_chunk;
    end_row = begin + rows_per_chunk < rows ? begin + rows_per_chunk : rows;
    first_row = begin + threadIdx.y;
    chunk_rows = end_row - begin;
  }
};

/// Sum over the threadIdx.y of the block's column threadIdx.x, the same in all of them. `scratch`
/// is shared memory and may be used again after the call.
__device__ __forceinline__ float column_sum(float (&scratch)[kReduceRows][kReduceLanes],
                                            float value) {
  scratch[threadIdx.y][threadIdx.x] = value;
  __syncthreads();
  float sum = 0.0F;
#pragma unroll
  for (unsigned y = 0; y < kReduceRows; ++y) {
    sum += scratch[y][threadIdx.x];
  }
  __syncthreads();
  return sum;
}

/// Grid and block of a chunk reduction.
inline LaunchShape chunk_shape(const RowChunks& chunks, std::int64_t channels) {
  return {dim3(static_cast<unsigned>((channels + kReduceLanes - 1) / kReduceLanes),
               static_cast<unsigned>(chunks.count)),
          dim3(kReduceLanes, kReduceRows)};
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
