// SPDX-License-Identifier: Apache-2.0
// The second stage of reductions over rows, in the kernel of the first: blocks leave two numbers
// per channel and chunk of rows, the last block of a group of chunks puts the group's together, and
// the last of the groups all. Who is last is a matter of luck; what it adds up in which order is
// not: the result is the same bits in every run.
//
// A sink says what the two numbers are and where the result goes:
//   Sink::Rule::term(part, rows, origin)   what a chunk of so many rows adds to two sums
//   Sink::Rule::whole(sums, rows, origin)  the two numbers of all those rows together
//   operator()(channel, pair, rows)        called once per channel
// where origin is the first of the parts.
#pragma once

#include "accrete/kernels/call.h"
#include "cuda/last_block.cuh"
#include "cuda/row_access.cuh"
#include "cuda/row_chunks.h"

namespace accrete::kernels::cuda {

struct Pair {
  double first, second;
};

/// Two arrays [parts, channels].
template <class V>
struct Pairs {
  V* first;
  V* second;

  __device__ __forceinline__ Pair at(std::int64_t index) const {
    return {static_cast<double>(first[index]), static_cast<double>(second[index])};
  }
  __device__ __forceinline__ void put(std::int64_t index, const Pair& pair) const {
    first[index] = pair.first;
    second[index] = pair.second;
  }
};

/// What a kernel gets.
struct ChunkResults {
  Pairs<float> chunk;
  Pairs<double> group;
  std::uint32_t* tickets;
  std::int64_t rows, rows_per_chunk;
  std::int64_t chunks, channels;
};

struct ZeroTickets {
  static constexpr int kWidth = 1;
  std::uint32_t* tickets;
  __device__ void operator()(std::int64_t /*row*/, std::int64_t i) const { tickets[i] = 0; }
};

/// Memory for the results: all of it in the workspace but for tickets that the stream has.
inline ChunkResults chunk_results(const Stream& stream, const char* op, std::int64_t rows,
                                  const RowChunks& cut, std::int64_t channels,
                                  const Workspace& workspace) {
  const std::int64_t chunks = cut.count;
  const ChunkPartials plan{chunks, channels};
  auto* bytes = static_cast<std::byte*>(workspace.data);
  auto* group = reinterpret_cast<double*>(bytes);
  auto* chunk = reinterpret_cast<float*>(bytes + plan.group_bytes());
  auto* tickets = stream.tickets().counters;
  if (stream.tickets().count < plan.tickets()) {
    tickets = reinterpret_cast<std::uint32_t*>(bytes + plan.group_bytes() + plan.chunk_bytes());
    launch_packs(stream, op, ZeroTickets{tickets}, 1, plan.tickets());
  }
  return {{chunk, chunk + chunks * channels},
          {group, group + plan.groups() * channels},
          tickets,
          rows,
          cut.rows_per_chunk,
          chunks,
          channels};
}
inline ChunkResults chunk_results(const Stream& stream, const char* op, std::int64_t rows,
                                  std::int64_t rows_per_chunk, std::int64_t channels,
                                  const Workspace& workspace) {
  return chunk_results(stream, op, rows,
                       RowChunks{rows_per_chunk, (rows + rows_per_chunk - 1) / rows_per_chunk},
                       channels, workspace);
}

/// Parts [first, end) of so many rows each, but for the last one of all.
struct PartRange {
  std::int64_t first, end;
  std::int64_t rows_per_part, rows;

  __device__ __forceinline__ double rows_of(std::int64_t from, std::int64_t to) const {
    const std::int64_t last = to * rows_per_part;
    return static_cast<double>((last < rows ? last : rows) - from * rows_per_part);
  }
};
__device__ __forceinline__ PartRange chunks_of_group(const ChunkResults& results,
                                                     std::int64_t group) {
  const std::int64_t first = group * kGroupChunks;
  const std::int64_t end = first + kGroupChunks;
  return {first, end < results.chunks ? end : results.chunks, results.rows_per_chunk, results.rows};
}
__device__ __forceinline__ PartRange all_groups(const ChunkResults& results) {
  return {0, (results.chunks + kGroupChunks - 1) / kGroupChunks,
          results.rows_per_chunk * kGroupChunks, results.rows};
}

/// Threads of a block that combines, unless it says otherwise.
constexpr int kCombineThreads = 256;

/// Number of the thread in its block.
__device__ __forceinline__ int block_thread() {
  return static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x);
}

/// The channel that a thread works at: those with the same remainder share one, and the first of
/// them answers for it.
template <int CHANNELS>
struct ChannelOfThread {
  std::int64_t channel;
  bool answers;

  __device__ ChannelOfThread(std::int64_t first_channel, std::int64_t channels) {
    channel = first_channel + block_thread() % CHANNELS;
    answers = block_thread() < CHANNELS && channel < channels;
    channel = channel < channels ? channel : channels - 1;
  }
};

/// The parts of a thread's channel together, for the threads that answer. Those that share it take
/// turns at the parts. `scratch` is shared, for THREADS pairs.
template <class Rule, int CHANNELS, int THREADS, class V>
__device__ __forceinline__ Pair combined(const Pairs<V>& parts, const PartRange& range,
                                         std::int64_t channels, std::int64_t channel,
                                         Pair* scratch) {
  static_assert(THREADS % CHANNELS == 0);
  constexpr int kTurns = THREADS / CHANNELS;
  const int thread = block_thread();
  const Pair origin = parts.at(range.first * channels + channel);
  Pair sums{0.0, 0.0};
#pragma unroll 4
  for (std::int64_t i = range.first + thread / CHANNELS; i < range.end; i += kTurns) {
    const Pair term = Rule::term(parts.at(i * channels + channel), range.rows_of(i, i + 1), origin);
    sums.first += term.first;
    sums.second += term.second;
  }
  scratch[thread] = sums;
  __syncthreads();
  sums = {0.0, 0.0};
  for (int turn = 0; turn < kTurns; ++turn) {
    sums.first += scratch[turn * CHANNELS + thread % CHANNELS].first;
    sums.second += scratch[turn * CHANNELS + thread % CHANNELS].second;
  }
  return Rule::whole(sums, range.rows_of(range.first, range.end), origin);
}

/// Channels that a block answers for: the number-th range of those that share the chunks.
struct ChannelRange {
  std::int64_t first, end;
  std::int64_t number;
};

/// Called by all THREADS threads of every block, behind the stores of its results for `chunk` and
/// for the channels of `range`, CHANNELS of which are combined at a time.
template <int CHANNELS, int THREADS, class Sink>
__device__ __forceinline__ void combine_in_last_block(const ChunkResults& results,
                                                      std::int64_t chunk, const ChannelRange& range,
                                                      const Sink& sink, Pair* scratch) {
  using Rule = typename Sink::Rule;
  const std::int64_t group = chunk / kGroupChunks;
  const PartRange chunks = chunks_of_group(results, group);
  const PartRange groups = all_groups(results);
  const bool whole = groups.end == 1;
  std::uint32_t* tickets = results.tickets + range.number * (groups.end + 1);
  const auto for_channels = [&](const auto& parts, const PartRange& of_parts, const auto& put) {
    for (std::int64_t first = range.first; first < range.end; first += CHANNELS) {
      const ChannelOfThread<CHANNELS> at(first, results.channels);
      const Pair pair =
          combined<Rule, CHANNELS, THREADS>(parts, of_parts, results.channels, at.channel, scratch);
      if (at.answers) {
        put(at.channel, pair);
      }
      __syncthreads();  // the scratch has been read out
    }
  };
  const auto finish = [&](std::int64_t channel, const Pair& pair) {
    sink(channel, pair, static_cast<double>(results.rows));
  };
  if (!last_to_arrive(tickets + group, chunks.end - chunks.first)) {
    return;
  }
  if (whole) {
    for_channels(results.chunk, chunks, finish);
    return;
  }
  for_channels(results.chunk, chunks, [&](std::int64_t channel, const Pair& pair) {
    results.group.put(group * results.channels + channel, pair);
  });
  if (last_to_arrive(tickets + groups.end, groups.end)) {
    for_channels(results.group, groups, finish);
  }
}

/// The same for CHANNELS channels from `first_channel` on, a multiple of that.
template <int CHANNELS, int THREADS = kCombineThreads, class Sink>
__device__ __forceinline__ void combine_in_last_block(const ChunkResults& results,
                                                      std::int64_t chunk,
                                                      std::int64_t first_channel, const Sink& sink,
                                                      Pair* scratch) {
  combine_in_last_block<CHANNELS, THREADS>(
      results, chunk, {first_channel, first_channel + CHANNELS, first_channel / CHANNELS}, sink,
      scratch);
}

/// The two numbers are sums.
struct SumRule {
  __device__ __forceinline__ static Pair term(const Pair& part, double /*rows*/,
                                              const Pair& /*origin*/) {
    return part;
  }
  __device__ __forceinline__ static Pair whole(const Pair& sums, double /*rows*/,
                                               const Pair& /*origin*/) {
    return sums;
  }
};

/// The two numbers are a mean and the sum of squared deviations from it. Sums are taken from the
/// first part's mean, which is as far from the whole mean as that part itself says in its share of
/// the deviations: nothing cancels that double could not spare.
struct MomentRule {
  __device__ __forceinline__ static Pair term(const Pair& part, double rows, const Pair& origin) {
    const double distance = part.first - origin.first;
    return {rows * distance, part.second + rows * distance * distance};
  }
  __device__ __forceinline__ static Pair whole(const Pair& sums, double rows, const Pair& origin) {
    const double distance = sums.first / rows;
    const double m2 = sums.second - sums.first * distance;
    return {origin.first + distance, m2 < 0.0 ? 0.0 : m2};
  }
};

}  // namespace accrete::kernels::cuda
