// SPDX-License-Identifier: Apache-2.0
// Mean and squared deviations of every channel of a tensor, and the statistics made of them.
#pragma once

#include "accrete/kernels/norm_relu.h"
#include "cuda/column_reduction.cuh"

namespace accrete::kernels::cuda {

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

/// Mean and squared deviations of a thread's values, from sums of their distances to the first of
/// them. That one is a sample: where it is far from the mean, the deviations are large as well, and
/// what the subtraction loses is at most as many times their rounding as the thread has values.
template <int V>
class ColumnMoments {
 public:
  __device__ __forceinline__ void add(const Pack<V>& value) {
    if (count_ == 0.0F) {
      origin_ = value;
    }
    count_ += 1.0F;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      const float distance = value.v[i] - origin_.v[i];
      sum_.v[i] += distance;
      squares_.v[i] = __fmaf_rn(distance, distance, squares_.v[i]);
    }
  }
  __device__ __forceinline__ Pack<V> sum() const {
    Pack<V> sum;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      sum.v[i] = __fmaf_rn(count_, origin_.v[i], sum_.v[i]);
    }
    return sum;
  }
  __device__ __forceinline__ Pack<V> squares_from(const Pack<V>& mean) const {
    Pack<V> squares;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      const float shift = mean.v[i] - origin_.v[i];
      const float twice = __fmaf_rn(-count_, shift, 2.0F * sum_.v[i]);
      squares.v[i] = __fmaf_rn(-shift, twice, squares_.v[i]);
    }
    return squares;
  }

 private:
  float count_ = 0.0F;
  Pack<V> origin_{}, sum_{}, squares_{};
};

/// The same value of column_sum's channels for the threads that walk down them.
template <int V>
__device__ __forceinline__ Pack<V> shared_by_column(ColumnScratch<V>& scratch, float value) {
  const int thread = block_thread();
  if (thread < static_cast<int>(kColumnLanes) * V) {
    scratch[0][thread] = value;
  }
  __syncthreads();
  Pack<V> pack;
#pragma unroll
  for (int i = 0; i < V; ++i) {
    pack.v[i] = scratch[0][static_cast<int>(threadIdx.x) * V + i];
  }
  __syncthreads();
  return pack;
}

/// A running statistic that takes in one of a batch.
__device__ __forceinline__ float blended(float running, double batch, float momentum) {
  const auto share = static_cast<double>(momentum);
  return static_cast<float>((1.0 - share) * static_cast<double>(running) + share * batch);
}

/// Computes  for every channel the mean and m2 = sum of (v - mean)^2 of the values v that
///           values.column(channels)(row) returns over all rows, and hands both to the sink, whose
///           Rule is MomentRule. One pass: a thread adds up distances to its first value
///           (ColumnMoments), from which a chunk's mean and m2 follow; these are merged in f64.
/// Values    a Body of for_each_row whose functor returns a pack; it may store it, too
///           (MaxForward).
/// Operands, grid, threads, order, shared, limits: those of column_sums, with {mean, m2} of a chunk
/// in the place of its two sums.
/// Work      what Values moves, once, and column_sums' bytes for chunks; 4 FLOP per value.
template <class Values, class Sink>
__global__ void __launch_bounds__(kColumnThreads, 2)
    chunk_moments(Values values, WalkedRows walked, ChunkResults out, Sink sink) {
  using Channels = typename Values::Channels;
  constexpr int kWidth = Channels::kWidth;
  ACCRETE_SHARED_ARRAY(Pair, pairs, [kCombineThreads]);
  const ColumnWalk<Channels> walk(walked);
  const auto column = values.column(walk.channels);
  ColumnMoments<kWidth> moments;
  for (std::uint32_t row = walk.first; row < walk.end; row += kColumnRows) {
    moments.add(column(row));
  }
  ColumnScratch<kWidth>& scratch = scratch_in<kWidth>(pairs);
  const float mean =
      column_sum<kWidth>(scratch, moments.sum()) / static_cast<float>(walk.chunk_rows);
  const Pack<kWidth> means = shared_by_column<kWidth>(scratch, mean);
  const float squares = column_sum<kWidth>(scratch, moments.squares_from(means));
  leave_for_chunk<Channels>(out, mean, squares);
  combine_in_last_block<Channels::kOfBlock>(out, blockIdx.y, walk.block_channel(), sink, pairs);
}

/// Queues it.
template <class Values, class Sink>
void launch_moments_of(const Stream& stream, const char* op, const Values& values,
                       const Shape& shape, std::int64_t most_chunks, const Sink& sink,
                       const Workspace& workspace) {
  using Channels = typename Values::Channels;
  const std::int64_t rows = shape.pixels();
  const RowChunks chunks = column_chunks(rows, column_blocks<Channels>(shape.c), most_chunks);
  const ChunkResults results =
      chunk_results(stream, op, rows, chunks.rows_per_chunk, shape.c, workspace);
  launch(stream, op, &chunk_moments<Values, Sink>, column_shape<Channels>(chunks, shape.c), values,
         walked_rows(rows, chunks, shape.c), results, sink);
}

/// The values of a tensor as they are.
template <class T, bool ALIGNED>
struct StoredValues {
  using Channels = ChannelPack<T, ALIGNED>;
  ConstColumns<T, ALIGNED> x;
  __device__ __forceinline__ StoredValues column(const Channels& channels) const {
    return {x.at(channels)};
  }
  __device__ __forceinline__ PackOf<T> operator()(std::uint32_t row) const { return x.load(row); }
};

/// Queues the moments of x.
template <class Sink>
void launch_moments(const Stream& stream, const char* op, const ConstTensorView& x,
                    const Sink& sink, const Workspace& workspace) {
  with_columns(x.dtype, packs_fit(x), [&]<class T, bool ALIGNED>() {
    launch_moments_of(stream, op, StoredValues<T, ALIGNED>{ConstColumns<T, ALIGNED>(x)}, x.shape,
                      kMostChunks, sink, workspace);
  });
}

}  // namespace accrete::kernels::cuda
