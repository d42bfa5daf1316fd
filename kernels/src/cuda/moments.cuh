// SPDX-License-Identifier: Apache-2.0
// Mean and squared deviations of every channel of a tensor, and the statistics made of them.
#pragma once

#include "accrete/kernels/norm_relu.h"
#include "cuda/chunk_combine.cuh"
#include "cuda/column_reduction.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Mean, biased variance and inv_std as the writer of a tensor leaves them.
struct StatisticsSink {
  using Rule = MomentRule;
  float* mean;
  float* variance;
  float* inv_std;
  float epsilon;

  explicit StatisticsSink(const StatisticsOutput& out)
      : mean(out.mean.f32()),
        variance(out.variance.f32()),
        inv_std(out.inv_std.f32()),
        epsilon(out.epsilon) {}
  __device__ __forceinline__ void operator()(std::int64_t c, const Pair& moments,
                                             double rows) const {
    const double of_channel = moments.second / rows;
    mean[c] = static_cast<float>(moments.first);
    variance[c] = static_cast<float>(of_channel);
    inv_std[c] = static_cast<float>(1.0 / sqrt(of_channel + static_cast<double>(epsilon)));
  }
};

/// One chunk of rows for 32 channels: mean, then squared deviations from it. Launched with
/// chunk_shape.
template <class T, class Sink>
__global__ void __launch_bounds__(kReduceLanes* kReduceRows)
    chunk_moments(ConstRows<T> x, ChunkResults out, Sink sink) {
  ACCRETE_SHARED_ARRAY(float, scratch, [kReduceRows][kReduceLanes]);
  ACCRETE_SHARED_ARRAY(Pair, pairs, [kCombineThreads]);
  const ChunkPosition at(out.rows, out.rows_per_chunk);
  const bool inside = at.channel < out.channels;
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
    const std::int64_t index = blockIdx.y * out.channels + at.channel;
    out.chunk.first[index] = mean;
    out.chunk.second[index] = m2;
  }
  combine_in_last_block<kReduceLanes>(out, blockIdx.y, at.channel - threadIdx.x, sink, pairs);
}

/// Queues it for the dtype of x.
template <class Sink>
void launch_moments(const Stream& stream, const char* op, const ConstTensorView& x,
                    const RowChunks& chunks, const Sink& sink, const Workspace& workspace) {
  const ChunkResults results =
      chunk_results(stream, op, x.shape.pixels(), chunks.rows_per_chunk, x.shape.c, workspace);
  with_packs(x.dtype, false, [&]<class T, int V>() {
    launch(stream, op, &chunk_moments<T, Sink>, chunk_shape(chunks, x.shape.c), ConstRows<T>(x),
           results, sink);
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
