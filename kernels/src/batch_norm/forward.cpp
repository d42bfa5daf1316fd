// SPDX-License-Identifier: Apache-2.0
// Batch norm statistics and normalisation.
#include <cmath>

#include "accrete/kernels/batch_norm.h"
#include "cpu/channel_sums.h"
#include "cpu/row_tiles.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "batch_norm/forward.cpp"
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
void normalise(const RowTile& tile, bool relu, const ConstRows<T>& x, const NormRelu& norm,
               const float* inv_std, const Rows<T>& y) {
  TileVector scale;
  TileVector shift;
  affine_factors(norm, inv_std, tile.channel, tile.channels, scale.values, shift.values);
  if (relu) {
    normalise_rows<true>(tile, x, scale, shift, y);
  } else {
    normalise_rows<false>(tile, x, scale, shift, y);
  }
}

// `inv_std` starts with the channels of the tile.
void normalise_tile(const RowTile& tile, bool relu, const ConstTensorView& x, const NormRelu& norm,
                    const float* inv_std, const TensorView& y) {
  with_element(x.dtype, [&]<class T>() {
    normalise(tile, relu, ConstRows<T>(x), norm, inv_std, Rows<T>(y));
  });
}

void normalise_running_tile(const BatchNormInference& call, const RowTile& tile) {
  TileVector inv_std;
  const float* from = call.running_var.f32() + tile.channel;
  for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    const auto sum = hn::Add(io.load(from + c), hn::Set(io.d, call.options.epsilon));
    io.store_padded(hn::Div(hn::Set(io.d, 1.0F), hn::Sqrt(sum)), inv_std.values + c);
  });
  const NormRelu norm{call.running_mean, {}, call.gamma, call.beta};
  normalise_tile(tile, call.options.relu, call.x, norm, inv_std.values, call.y);
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(normalise_tile);
HWY_EXPORT(normalise_running_tile);

namespace {

void finish_statistics(const BatchNormTraining& call, const ChannelMoments& moments,
                       std::int64_t channel, std::int64_t channels) {
  const std::int64_t pixels = call.x.shape.pixels();
  const auto epsilon = static_cast<double>(call.options.epsilon);
  for (std::int64_t c = 0; c < channels; ++c) {
    const std::int64_t at = channel + c;
    // Not std::max: a NaN must stay one.
    const double squares = moments.squares[c] < 0.0 ? 0.0 : moments.squares[c];
    const double variance = squares / static_cast<double>(pixels);
    call.mean.f32()[at] = static_cast<float>(moments.mean[c]);
    call.inv_std.f32()[at] = static_cast<float>(1.0 / std::sqrt(variance + epsilon));
    update_running({pixels, call.options.momentum}, moments.mean[c], squares,
                   call.running_mean.f32()[at], call.running_var.f32()[at]);
  }
}

void take_statistics(ThreadPool& pool, const BatchNormTraining& call, float* scratch) {
  const RowTiles tiles = channel_tiles(call.x.shape);
  tile_moments(pool, tiles, call.x, scratch);
  const std::int64_t C = call.x.shape.c;
  pool.parallel_for(divide_up(C, kMergedChannels), [&](std::int64_t task) {
    const std::int64_t channel = task * kMergedChannels;
    finish_statistics(call, merge_tile_moments(tiles, scratch, channel), channel,
                      std::min(kMergedChannels, C - channel));
  });
}

}  // namespace

const char* run(const Stream& stream, const BatchNormNormalise& call,
                const Workspace& /*workspace*/) {
  const RowTiles tiles = channel_tiles(call.x.shape);
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    const RowTile tile = tiles.tile(task);
    HWY_DYNAMIC_DISPATCH(normalise_tile)
    (tile, call.relu, call.x, call.norm, call.norm.inv_std.f32() + tile.channel, call.y);
  });
  return "rows";
}

std::size_t workspace_bytes(const BatchNormTraining& call) {
  return float_bytes(moments_floats(channel_tiles(call.x.shape)));
}

const char* run(const Stream& stream, const BatchNormTraining& call, const Workspace& workspace) {
  take_statistics(stream.pool(), call, static_cast<float*>(workspace.data));
  const NormRelu norm{call.mean, call.inv_std, call.gamma, call.beta};
  return run(stream, BatchNormNormalise{call.x, norm, call.options.relu, call.y}, {});
}

const char* run(const Stream& stream, const BatchNormInference& call,
                const Workspace& /*workspace*/) {
  const RowTiles tiles = channel_tiles(call.x.shape);
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(normalise_running_tile)(call, tiles.tile(task));
  });
  return "rows";
}

}  // namespace accrete::kernels::cpu
#endif
