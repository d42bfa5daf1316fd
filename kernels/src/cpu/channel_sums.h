// SPDX-License-Identifier: Apache-2.0
// Results per channel that tasks leave behind and that are combined when all are done: sums of
// gradients, and statistics.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "accrete/kernels/norm_relu.h"
#include "accrete/kernels/thread_pool.h"
#include "cpu/row_tiles.h"

namespace accrete::kernels::cpu {

// Two partial results per channel and block of rows, written by the tasks of a kernel and combined
// in block order, in double, when all are done.

struct ChannelPartials {
  float* data = nullptr;
  std::int64_t width = 0;  ///< channels, padded to whole vectors

  ChannelPartials() = default;
  ChannelPartials(float* data_in, std::int64_t channels)
      : data(data_in), width(padded_channels(channels)) {}

  static std::int64_t floats(std::int64_t blocks, std::int64_t channels) {
    return blocks * 2 * padded_channels(channels);
  }
  float* first(std::int64_t block) const { return data + block * 2 * width; }
  float* second(std::int64_t block) const { return first(block) + width; }
};

/// The outputs of a NormReluGradient but g, from blocks of sum(dz) and sum(dz * (x - mean)).
/// Nothing without a norm.
void finish_gradient_sums(ThreadPool& pool, const ChannelPartials& partials, std::int64_t blocks,
                          const NormRelu& norm, const NormReluGradient& out);

// Statistics of the channels of a tensor, merged in double from those of blocks of its rows.

/// Channels that one task merges.
constexpr std::int64_t kMergedChannels = 64;

/// Mean and sum of squared deviations of up to kMergedChannels channels of a growing set of rows.
struct ChannelMoments {
  double rows = 0.0;
  double mean[kMergedChannels] = {};
  double squares[kMergedChannels] = {};

  /// Takes in a block of rows: its mean and squares (Chan, Golub & LeVeque).
  void add(double added, std::int64_t channels, const float* block_mean,
           const float* block_squares);
  /// The same where the mean is rounded, and `first` the sum of deviations from it.
  void add_rounded(double added, std::int64_t channels, const float* block_mean, const float* first,
                   const float* second);
};

/// Mean, variance and inv_std of `channels` channels from `channel` on.
void put_statistics(const ChannelMoments& moments, std::int64_t channel, std::int64_t channels,
                    const StatisticsOutput& out);

/// running = (1 - momentum) * running + momentum * batch, of one channel; `squares` is the sum of
/// squared deviations over the pixels. The variance taken in is the unbiased one.
struct RunningUpdate {
  std::int64_t pixels;
  float momentum;
};
void update_running(const RunningUpdate& update, double mean, double squares, float& running_mean,
                    float& running_var);

/// Statistics from blocks of means and squares; rows_of(block) says how many rows a block has.
template <class RowsOf>
void merge_statistics(ThreadPool& pool, const ChannelPartials& partials, std::int64_t blocks,
                      const RowsOf& rows_of, const StatisticsOutput& out) {
  const std::int64_t all = out.mean.shape.c;
  pool.parallel_for(divide_up(all, kMergedChannels), [&](std::int64_t task) {
    const std::int64_t channel = task * kMergedChannels;
    const std::int64_t channels = std::min(kMergedChannels, all - channel);
    ChannelMoments moments;
    for (std::int64_t block = 0; block < blocks; ++block) {
      moments.add(static_cast<double>(rows_of(block)), channels, partials.first(block) + channel,
                  partials.second(block) + channel);
    }
    put_statistics(moments, channel, channels, out);
  });
}

/// Floats of scratch for the moments of row tiles.
std::int64_t moments_floats(const RowTiles& tiles);
/// Moments of each tile of x, into the scratch.
void tile_moments(ThreadPool& pool, const RowTiles& tiles, const ConstTensorView& x,
                  float* scratch);
/// Those of channels from `channel` on, merged.
ChannelMoments merge_tile_moments(const RowTiles& tiles, const float* scratch,
                                  std::int64_t channel);

/// All of it: a pass over x for its statistics.
void channel_statistics(ThreadPool& pool, const RowTiles& tiles, const ConstTensorView& x,
                        const StatisticsOutput& out, float* scratch);

/// Workspace of the sums of a gradient of x, or of the statistics of x, by whichever tasks.
std::size_t gradient_sums_bytes(const Shape& x);

/// Pixel i of x takes its gradient from pixel i / spread of grad_y, divided by spread.
struct SpreadGradient {
  ConstTensorView grad_y;
  std::int64_t spread = 1;
  ConstTensorView x;
  NormRelu norm;
  NormReluGradient grad_x;
};
void spread_gradient(ThreadPool& pool, const SpreadGradient& call, const Workspace& workspace);

}  // namespace accrete::kernels::cpu
