// SPDX-License-Identifier: Apache-2.0
// Mean and squared deviations of a channel, put together from those of chunks of its rows.
#pragma once

#include "cuda/column_reduction.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Of one chunk or of several together.
struct Moments {
  double count;
  double mean;
  double m2;  ///< sum of squared deviations from the mean
};

/// Chan, Golub & LeVeque 1979, equation 2.1.
__device__ __forceinline__ Moments merge(const Moments& a, const Moments& b) {
  if (b.count == 0.0) {
    return a;
  }
  if (a.count == 0.0) {
    return b;
  }
  const double count = a.count + b.count;
  const double delta = b.mean - a.mean;
  return {count, a.mean + delta * (b.count / count),
          a.m2 + b.m2 + delta * delta * (a.count * b.count / count)};
}

/// Over the lanes of a warp; every lane gets the same bits.
__device__ __forceinline__ Moments merge_lanes(Moments mine) {
#pragma unroll
  for (int bits = 1; bits < 32; bits *= 2) {
    const Moments other{__shfl_xor_sync(0xFFFFFFFFU, mine.count, bits),
                        __shfl_xor_sync(0xFFFFFFFFU, mine.mean, bits),
                        __shfl_xor_sync(0xFFFFFFFFU, mine.m2, bits)};
    // The lower lane's moments always come first, so that both compute the same bits.
    mine =
        (threadIdx.x & static_cast<unsigned>(bits)) == 0 ? merge(mine, other) : merge(other, mine);
  }
  return mine;
}

/// Moments of chunks of rows: arrays [chunks, channels].
struct ChunkMoments {
  float* mean;
  float* m2;
};

/// All chunks of a channel together, by a whole warp. Every chunk but the last has
/// `rows_per_chunk` of the `rows` rows.
__device__ __forceinline__ Moments combine_moments(const ChunkMoments& chunk, std::int64_t chunks,
                                                   std::int64_t rows, std::int64_t rows_per_chunk,
                                                   std::int64_t channels, std::int64_t channel) {
  Moments moments{0.0, 0.0, 0.0};
  for (std::int64_t i = threadIdx.x; i < chunks; i += 32) {
    const std::int64_t rest = rows - i * rows_per_chunk;
    const auto count = static_cast<double>(rest < rows_per_chunk ? rest : rows_per_chunk);
    const std::int64_t index = i * channels + channel;
    moments = merge(moments, {count, static_cast<double>(chunk.mean[index]),
                              static_cast<double>(chunk.m2[index])});
  }
  return merge_lanes(moments);
}

/// One chunk of rows for 32 channels: mean, then squared deviations from it. Launched with
/// chunk_shape.
template <class T>
__global__ void __launch_bounds__(kReduceLanes* kReduceRows)
    chunk_moments(ConstRows<T> x, std::int64_t rows, std::int64_t channels,
                  std::int64_t rows_per_chunk, ChunkMoments out) {
  ACCRETE_SHARED_ARRAY(float, scratch, [kReduceRows][kReduceLanes]);
  const ChunkPosition at(rows, rows_per_chunk);
  const bool inside = at.channel < channels;
  float sum = 0.0F;
  for (std::int64_t row = at.first_row; inside && row < at.end_row; row += kReduceRows) {
    sum += to_float(*x.at(row, at.channel));
  }
  const float mean = column_sum(scratch, sum) / static_cast<float>(at.chunk_rows);
  float squares = 0.0F;
  for (std::int64_t row = at.first_row; inside && row < at.end_row; row += kReduceRows) {
    const float deviation = to_float(*x.at(row, at.channel)) - mean;
    squares += deviation * deviation;
  }
  const float m2 = column_sum(scratch, squares);
  if (inside && threadIdx.y == 0) {
    const std::int64_t index = blockIdx.y * channels + at.channel;
    out.mean[index] = mean;
    out.m2[index] = m2;
  }
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
