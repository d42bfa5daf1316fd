// SPDX-License-Identifier: Apache-2.0
// Batch norm statistics and normalisation.
#include <cmath>

#include "cpu/batch_norm.h"
#include "cpu/moments.h"
#include "cpu/row_tiles.h"
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/batch_norm_forward.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/norm_tables-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

template <bool kRelu, class T>
HWY_INLINE void normalise_rows(const RowTile& tile, const ConstRows<T>& x, const TileVector& scale,
                               const TileVector& shift, const Rows<T>& y) {
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    const T* from = x.at(row, tile.channel);
    T* to = y.at(row, tile.channel);
    for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      auto z = affine(io.load(from + c), io.load_padded(scale.values + c),
                      io.load_padded(shift.values + c));
      if constexpr (kRelu) {
        z = rectify(io.d, z);
      }
      io.store(z, to + c);
    });
  }
}

template <class T>
void normalise(const RowTile& tile, bool relu, const ConstRows<T>& x,
               const BatchNormVectors& vectors, const float* inv_std, const Rows<T>& y) {
  TileVector scale;
  TileVector shift;
  affine_factors(vectors, inv_std, tile.channel, tile.channels, scale.values, shift.values);
  if (relu) {
    normalise_rows<true>(tile, x, scale, shift, y);
  } else {
    normalise_rows<false>(tile, x, scale, shift, y);
  }
}

void normalise_tile(const RowTile& tile, bool relu, const ConstTensorView& x,
                    const BatchNormVectors& vectors, const float* inv_std, const TensorView& y) {
  with_element(x.dtype, [&]<class T>() {
    normalise(tile, relu, ConstRows<T>(x), vectors, inv_std, Rows<T>(y));
  });
}

void normalise_running_tile(const RowTile& tile, const BatchNormOptions& options,
                            const ConstTensorView& x, const BatchNormVectors& vectors,
                            const float* variance, const TensorView& y) {
  TileVector inv_std;
  const float* from = variance + tile.channel;
  for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    const auto sum = hn::Add(io.load(from + c), hn::Set(io.d, options.epsilon));
    io.store_padded(hn::Div(hn::Set(io.d, 1.0F), hn::Sqrt(sum)), inv_std.values + c);
  });
  normalise_tile(tile, options.relu, x, vectors, inv_std.values, y);
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(normalise_tile);
HWY_EXPORT(normalise_running_tile);

namespace {

void blend(float& running, double batch, float momentum) {
  const auto share = static_cast<double>(momentum);
  running = static_cast<float>((1.0 - share) * static_cast<double>(running) + share * batch);
}

void finish_statistics(const BatchNormOptions& options, const ChannelMoments& moments,
                       std::int64_t channel, std::int64_t channels, std::int64_t pixels,
                       const BatchNormStatistics& out) {
  for (std::int64_t c = 0; c < channels; ++c) {
    const std::int64_t at = channel + c;
    const double mean = moments.mean[c];
    // Not std::max: a NaN must stay one.
    const double squares = moments.squares[c] < 0.0 ? 0.0 : moments.squares[c];
    const double variance = squares / static_cast<double>(pixels);
    out.mean[at] = static_cast<float>(mean);
    out.inv_std[at] =
        static_cast<float>(1.0 / std::sqrt(variance + static_cast<double>(options.epsilon)));
    blend(out.running_mean[at], mean, options.momentum);
    if (pixels > 1) {
      blend(out.running_var[at], squares / static_cast<double>(pixels - 1), options.momentum);
    }
  }
}

}  // namespace

std::size_t batch_norm_workspace_bytes(const Shape& x) {
  return static_cast<std::size_t>(moments_floats(channel_tiles(x))) * sizeof(float);
}

void batch_norm_statistics(ThreadPool& pool, const BatchNormOptions& options,
                           const ConstTensorView& x, const BatchNormStatistics& statistics,
                           float* workspace) {
  const RowTiles tiles = channel_tiles(x.shape);
  tile_moments(pool, tiles, x, workspace);
  pool.parallel_for(divide_up(x.shape.c, kMergedChannels), [&](std::int64_t task) {
    const std::int64_t channel = task * kMergedChannels;
    finish_statistics(options, merge_tile_moments(tiles, workspace, channel), channel,
                      std::min(kMergedChannels, x.shape.c - channel), x.shape.pixels(), statistics);
  });
}

void batch_norm_normalise(ThreadPool& pool, bool relu, const ConstTensorView& x,
                          const BatchNormVectors& vectors, const TensorView& y) {
  const RowTiles tiles = channel_tiles(x.shape);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    const RowTile tile = tiles.tile(task);
    HWY_DYNAMIC_DISPATCH(normalise_tile)
    (tile, relu, x, vectors, vectors.inv_std + tile.channel, y);
  });
}

void batch_norm_normalise_running(ThreadPool& pool, const BatchNormOptions& options,
                                  const ConstTensorView& x, const BatchNormVectors& vectors,
                                  const float* variance, const TensorView& y) {
  const RowTiles tiles = channel_tiles(x.shape);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(normalise_running_tile)
    (tiles.tile(task), options, x, vectors, variance, y);
  });
}

}  // namespace accrete::kernels::cpu
#endif
