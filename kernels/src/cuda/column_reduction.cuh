// SPDX-License-Identifier: Apache-2.0
// Sums over the rows of every channel: column_sums, and what it shares with chunk_moments.
#pragma once

#include "cuda/chunk_combine.cuh"
#include "cuda/column_walk.cuh"

namespace accrete::kernels::cuda {

static_assert(kColumnThreads == kCombineThreads);

/// Values of a block's warps, a row per warp.
template <int V>
using ColumnScratch = float[kColumnThreads / 32][kColumnLanes * V];

/// The scratch in shared memory that is of use later, when chunks are combined.
template <int V>
__device__ __forceinline__ ColumnScratch<V>& scratch_in(Pair (&pairs)[kCombineThreads]) {
  static_assert(sizeof(ColumnScratch<V>) <= sizeof(pairs));
  return *reinterpret_cast<ColumnScratch<V>*>(&pairs);
}

/// Sum of the block's values for its channel number block_thread(), in as many threads as it has
/// channels. `scratch` is shared memory and may be used again after the call.
template <int V>
__device__ __forceinline__ float column_sum(ColumnScratch<V>& scratch, Pack<V> value) {
  // A warp may hold several rows.
#pragma unroll
  for (int i = 0; i < V; ++i) {
#pragma unroll
    for (unsigned bits = kColumnLanes; bits < 32; bits *= 2) {
      value.v[i] += __shfl_xor_sync(0xFFFFFFFFU, value.v[i], static_cast<int>(bits));
    }
  }
  const int thread = block_thread();
  if (thread % 32 < static_cast<int>(kColumnLanes)) {
#pragma unroll
    for (int i = 0; i < V; ++i) {
      scratch[thread / 32][static_cast<int>(threadIdx.x) * V + i] = value.v[i];
    }
  }
  __syncthreads();
  float sum = 0.0F;
#pragma unroll
  for (unsigned warp = 0; warp < kColumnThreads / 32; ++warp) {
    sum += scratch[warp][thread % (static_cast<int>(kColumnLanes) * V)];
  }
  __syncthreads();
  return sum;
}

/// Leaves the two numbers of the channel of column_sum for this block's chunk.
template <class Channels>
__device__ __forceinline__ void leave_for_chunk(const ChunkResults& out, float first,
                                                float second) {
  const std::int64_t channel = ColumnWalk<Channels>::block_channel() + block_thread();
  if (block_thread() < Channels::kOfBlock && channel < out.channels) {
    const std::int64_t index = blockIdx.y * out.channels + channel;
    out.chunk.first[index] = first;
    out.chunk.second[index] = second;
  }
}

/// Two sums for each channel of a pack.
template <int V>
struct ColumnSums {
  Pack<V> first{}, second{};
};

/// Blocks for which a multiprocessor's registers have to suffice: two, unless the body says less.
template <class Body>
constexpr int blocks_to_fit() {
  if constexpr (requires { Body::kBlocksToFit; }) {
    return Body::kBlocksToFit;
  } else {
    return 2;
  }
}

/// Computes  for every channel two sums over all rows of what column(row, sums) adds, with column =
///           body.column(channels), and hands them to the sink (chunk_combine.cuh), which stores
///           the results. Before a thread's sums leave it, column.finish(sums) may scale them.
/// Body      as for_each_row's but for these; it may write tensors on its way
///           (NormGradientColumns), and has kBlocksToFit where registers for two blocks do not
///           suffice.
/// Operands  those of body and sink; `out`: two f32 [chunks, C], two f64 [groups of 64 chunks, C]
///           and the tickets, which are zero before and behind.
/// Grid, threads, limits: those of for_each_row.
/// Order     a thread's rows, the four rows of a warp and the block's eight warps in f32, then
///           chunks and groups in f64, by their last blocks: fixed by shape and dtype.
/// Shared    4100 bytes, static: 256 pairs of f64, which the sums of warps use first, and a ticket.
/// Work      the body's, every tensor moved once; 8 bytes for each chunk and channel and, where
///           there are several groups, 16 for each group and channel, written once and read once.
template <class Body, class Sink>
__global__ void __launch_bounds__(kColumnThreads, blocks_to_fit<Body>())
    column_sums(Body body, WalkedRows walked, ChunkResults out, Sink sink) {
  using Channels = typename Body::Channels;
  constexpr int kWidth = Channels::kWidth;
  ACCRETE_SHARED_ARRAY(Pair, pairs, [kCombineThreads]);
  const ColumnWalk<Channels> walk(walked);
  const auto column = body.column(walk.channels);
  ColumnSums<kWidth> sums;
  for (std::uint32_t row = walk.first; row < walk.end; row += kColumnRows) {
    column(row, sums);
  }
  column.finish(sums);
  ColumnScratch<kWidth>& scratch = scratch_in<kWidth>(pairs);
  const float first = column_sum<kWidth>(scratch, sums.first);
  const float second = column_sum<kWidth>(scratch, sums.second);
  leave_for_chunk<Channels>(out, first, second);
  combine_in_last_block<Channels::kOfBlock>(out, blockIdx.y, walk.block_channel(), sink, pairs);
}

/// Queues it. The sink gets `pixels` as the number of rows summed: a body may work at several
/// pixels for each of its rows.
template <class Body, class Sink>
void launch_sums(const Stream& stream, const char* op, const Body& body, std::int64_t rows,
                 std::int64_t pixels, std::int64_t channels, const Sink& sink,
                 const Workspace& workspace) {
  using Channels = typename Body::Channels;
  const RowChunks chunks = column_chunks(rows, column_blocks<Channels>(channels));
  ChunkResults results =
      chunk_results(stream, op, rows, chunks.rows_per_chunk, channels, workspace);
  results.rows = pixels;  // sums do not ask how many rows are in a chunk
  launch(stream, op, &column_sums<Body, Sink>, column_shape<Channels>(chunks, channels), body,
         walked_rows(rows, chunks, channels), results, sink);
}

}  // namespace accrete::kernels::cuda
