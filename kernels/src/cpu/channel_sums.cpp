// SPDX-License-Identifier: Apache-2.0
// Two passes per tile, the second one over the cache; tiles merged in order.
#include "cpu/channel_sums.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/channel_sums.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/column_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

// Mean of each channel, then the sums of (x - mean) and of its square. The second pass reads the
// column from the cache; its first-order sum corrects the rounding of the mean.
template <class T>
void moments_of(const RowTile& tile, const ConstRows<T>& x, float* mean, float* first,
                float* second) {
  const T* from = x.at(tile.row, tile.channel);
  const float weight = 1.0F / static_cast<float>(tile.rows);
  for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    const auto center =
        hn::Mul(sum_column(io, tile.rows, from + c, x.pitch), hn::Set(io.d, weight));
    const auto sums =
        sum_column_pair(io, tile.rows, [&](std::int64_t row, auto& pair) ACCRETE_VECTOR_BODY {
          const auto d = hn::Sub(io.load(from + c + row * x.pitch), center);
          pair.first = hn::Add(pair.first, d);
          pair.second = hn::MulAdd(d, d, pair.second);
        });
    io.store_padded(center, mean + c);
    io.store_padded(sums.first, first + c);
    io.store_padded(sums.second, second + c);
  });
}

void moments_tile(const RowTile& tile, const ConstTensorView& x, float* mean, float* first,
                  float* second) {
  with_element(x.dtype, [&]<class T>() { moments_of(tile, ConstRows<T>(x), mean, first, second); });
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(moments_tile);

namespace {

// Three partial results per row tile: mean, first and second sums about it.
template <class Float>
struct TileMoments {
  Float* data;
  std::int64_t width;  // padded channels

  Float* mean(std::int64_t row_tile) const { return data + row_tile * 3 * width; }
  Float* first(std::int64_t row_tile) const { return mean(row_tile) + width; }
  Float* second(std::int64_t row_tile) const { return first(row_tile) + width; }
};

}  // namespace

void ChannelMoments::add(double added, std::int64_t channels, const float* block_mean,
                         const float* block_squares) {
  const double share = added / (rows + added);
  const double weight = rows * share;
  for (std::int64_t c = 0; c < channels; ++c) {
    const double step = static_cast<double>(block_mean[c]) - mean[c];
    mean[c] += step * share;
    squares[c] += static_cast<double>(block_squares[c]) + step * step * weight;
  }
  rows += added;
}

void ChannelMoments::add_rounded(double added, std::int64_t channels, const float* block_mean,
                                 const float* first, const float* second) {
  const double share = added / (rows + added);
  const double weight = rows * share;
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto sum = static_cast<double>(first[c]);
    const double tile_mean = static_cast<double>(block_mean[c]) + sum / added;
    const double tile_squares = static_cast<double>(second[c]) - sum * sum / added;
    const double step = tile_mean - mean[c];
    mean[c] += step * share;
    squares[c] += tile_squares + step * step * weight;
  }
  rows += added;
}

void put_statistics(const ChannelMoments& moments, std::int64_t channel, std::int64_t channels,
                    const StatisticsOutput& out) {
  for (std::int64_t c = 0; c < channels; ++c) {
    const std::int64_t at = channel + c;
    // Not std::max: a NaN must stay one.
    const double squares = moments.squares[c] < 0.0 ? 0.0 : moments.squares[c];
    const double variance = squares / moments.rows;
    out.mean.f32()[at] = static_cast<float>(moments.mean[c]);
    out.variance.f32()[at] = static_cast<float>(variance);
    out.inv_std.f32()[at] =
        static_cast<float>(1.0 / std::sqrt(variance + static_cast<double>(out.epsilon)));
  }
}

namespace {

void blend(float& running, double batch, float momentum) {
  const auto share = static_cast<double>(momentum);
  running = static_cast<float>((1.0 - share) * static_cast<double>(running) + share * batch);
}

}  // namespace

void update_running(const RunningUpdate& update, double mean, double squares, float& running_mean,
                    float& running_var) {
  blend(running_mean, mean, update.momentum);
  if (update.pixels > 1) {
    blend(running_var, squares / static_cast<double>(update.pixels - 1), update.momentum);
  }
}

std::int64_t moments_floats(const RowTiles& tiles) {
  return tiles.row_tiles * 3 * padded_channels(tiles.channels);
}

void tile_moments(ThreadPool& pool, const RowTiles& tiles, const ConstTensorView& x,
                  float* scratch) {
  const TileMoments<float> moments{scratch, padded_channels(tiles.channels)};
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    const RowTile tile = tiles.tile(task);
    HWY_DYNAMIC_DISPATCH(moments_tile)
    (tile, x, moments.mean(tile.row_index) + tile.channel,
     moments.first(tile.row_index) + tile.channel, moments.second(tile.row_index) + tile.channel);
  });
}

ChannelMoments merge_tile_moments(const RowTiles& tiles, const float* scratch,
                                  std::int64_t channel) {
  const TileMoments<const float> moments{scratch, padded_channels(tiles.channels)};
  const std::int64_t channels = std::min(kMergedChannels, tiles.channels - channel);
  ChannelMoments total;
  for (std::int64_t index = 0; index < tiles.row_tiles; ++index) {
    const RowTile tile = tiles.tile(index * tiles.channel_tiles);
    total.add_rounded(static_cast<double>(tile.rows), channels, moments.mean(index) + channel,
                      moments.first(index) + channel, moments.second(index) + channel);
  }
  return total;
}

void channel_statistics(ThreadPool& pool, const RowTiles& tiles, const ConstTensorView& x,
                        const StatisticsOutput& out, float* scratch) {
  tile_moments(pool, tiles, x, scratch);
  pool.parallel_for(divide_up(tiles.channels, kMergedChannels), [&](std::int64_t task) {
    const std::int64_t channel = task * kMergedChannels;
    put_statistics(merge_tile_moments(tiles, scratch, channel), channel,
                   std::min(kMergedChannels, tiles.channels - channel), out);
  });
}

namespace {

struct GradientSums {
  double gradient[kMergedChannels] = {};  // of dz
  double product[kMergedChannels] = {};   // of dz * (x - mean)
};

GradientSums add_blocks(const ChannelPartials& partials, std::int64_t blocks, std::int64_t channel,
                        std::int64_t channels) {
  GradientSums sums;
  for (std::int64_t block = 0; block < blocks; ++block) {
    const float* first = partials.first(block) + channel;
    const float* second = partials.second(block) + channel;
    for (std::int64_t c = 0; c < channels; ++c) {
      sums.gradient[c] += static_cast<double>(first[c]);
      sums.product[c] += static_cast<double>(second[c]);
    }
  }
  return sums;
}

void put(GradMode mode, double value, float& out) {
  out = static_cast<float>(mode == GradMode::accumulate ? static_cast<double>(out) + value : value);
}

}  // namespace

void finish_gradient_sums(ThreadPool& pool, const ChannelPartials& partials, std::int64_t blocks,
                          const NormRelu& norm, const NormReluGradient& out) {
  if (!norm) {
    return;
  }
  const std::int64_t all = out.grad_gamma.shape.c;
  const double weight = 1.0 / static_cast<double>(out.g.shape.pixels());
  pool.parallel_for(divide_up(all, kMergedChannels), [&](std::int64_t task) {
    const std::int64_t channel = task * kMergedChannels;
    const std::int64_t channels = std::min(kMergedChannels, all - channel);
    const GradientSums sums = add_blocks(partials, blocks, channel, channels);
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t at = channel + c;
      const double product = sums.product[c] * static_cast<double>(norm.inv_std.f32()[at]);
      const double factor = static_cast<double>(norm.gamma.f32()[at]) * weight;
      out.grad_beta.f32()[at] = static_cast<float>(sums.gradient[c]);
      out.grad_gamma.f32()[at] = static_cast<float>(product);
      if (out.deferred()) {
        put(out.mode, factor * sums.gradient[c], out.a.f32()[at]);
        put(out.mode, factor * product, out.b.f32()[at]);
      }
    }
  });
}

}  // namespace accrete::kernels::cpu
#endif
