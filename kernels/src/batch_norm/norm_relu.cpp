// SPDX-License-Identifier: Apache-2.0
// Passes of their own for what kernels usually do while they load or store: NormRelu and its
// gradient, deferred gradients, statistics.
#include "call/backend.h"
#include "call/workspace.h"
#include "cpu/channel_sums.h"
#include "cpu/scratch.h"
#include "pool/pool_windows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "batch_norm/norm_relu.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/row_parts-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

void spread_gradient_tile(const SpreadGradient& call, const RowTile& tile,
                          const ChannelPartials& partials) {
  const std::int64_t spread = call.spread;
  const float weight = 1.0F / static_cast<float>(spread);
  with_element(call.grad_y.dtype, [&]<class T>() {
    const ConstRows<T> grad_y(call.grad_y);
    with_gradient_rows<T>(
        call.x, call.norm, call.grad_x, tile.channel, tile.channels, partials, tile.row_index,
        [&](auto& store) HWY_ATTR {
          for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
            const T* from = grad_y.at(spread == 1 ? row : row / spread, tile.channel);
            for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
              store.put(io, row, c, hn::Mul(io.load(from + c), hn::Set(io.d, weight)));
            });
          }
        });
  });
}

template <class T>
void deferred_gradient_rows(const RowTile& tile, const DeferredGradientRows<T>& load,
                            const Rows<T>& grad_y) {
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    const auto from = load.pixel(row);
    T* to = grad_y.at(row, tile.channel);
    for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      io.store(load.load(io, from, c), to + c);
    });
  }
}

void deferred_gradient_tile(const RowTile& tile, const DeferredGradient& gradient,
                            const TensorView& grad_y) {
  with_element(grad_y.dtype, [&]<class T>() {
    const DeferredGradientRows<T> load(gradient, tile.channel, tile.channels);
    deferred_gradient_rows(tile, load, Rows<T>(grad_y));
  });
}

void inverse_deviation_of(std::int64_t channels, const float* variance, float epsilon,
                          float* inv_std) {
  for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    const auto sum = hn::Add(io.load(variance + c), hn::Set(io.d, epsilon));
    io.store(hn::Div(hn::Set(io.d, 1.0F), hn::Sqrt(sum)), inv_std + c);
  });
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(spread_gradient_tile);
HWY_EXPORT(deferred_gradient_tile);
HWY_EXPORT(inverse_deviation_of);

std::size_t gradient_sums_bytes(const Shape& x) {
  const RowTiles tiles = channel_tiles(x);
  return float_bytes(std::max({moments_floats(tiles), ChannelPartials::floats(tiles.row_tiles, x.c),
                               ChannelPartials::floats(pool_tiles(x).line_tasks(), x.c)}));
}

void spread_gradient(ThreadPool& pool, const SpreadGradient& call, const Workspace& workspace) {
  const Shape& x = call.grad_x.g.shape;
  const RowTiles tiles = channel_tiles(x);
  const ChannelPartials partials(static_cast<float*>(workspace.data), x.c);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(spread_gradient_tile)(call, tiles.tile(task), partials);
  });
  finish_gradient_sums(pool, partials, tiles.row_tiles, call.norm, call.grad_x);
}

const char* run(const Stream& stream, const NormReluForward& call, const Workspace& workspace) {
  return run(stream, BatchNormNormalise{call.x, call.norm, true, call.y}, workspace);
}

std::size_t workspace_bytes(const NormReluBackward& call) {
  return gradient_sums_bytes(call.x.shape);
}

const char* run(const Stream& stream, const NormReluBackward& call, const Workspace& workspace) {
  spread_gradient(stream.pool(), {call.grad_y, 1, call.x, call.norm, call.grad_x}, workspace);
  return "rows";
}

std::size_t workspace_bytes(const ChannelStatistics& call) {
  return gradient_sums_bytes(call.x.shape);
}

const char* run(const Stream& stream, const ChannelStatistics& call, const Workspace& workspace) {
  channel_statistics(stream.pool(), channel_tiles(call.x.shape), call.x, call.statistics,
                     static_cast<float*>(workspace.data));
  return "rows";
}

const char* run(const Stream& stream, const ApplyDeferredGradient& call,
                const Workspace& /*workspace*/) {
  const RowTiles tiles = channel_tiles(call.grad_y.shape);
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(deferred_gradient_tile)(tiles.tile(task), call.gradient, call.grad_y);
  });
  return "rows";
}

const char* run(const Stream& stream, const InverseDeviation& call,
                const Workspace& /*workspace*/) {
  stream.pool().parallel_for(1, [&](std::int64_t /*task*/) {
    HWY_DYNAMIC_DISPATCH(inverse_deviation_of)
    (call.variance.shape.c, call.variance.f32(), call.epsilon, call.inv_std.f32());
  });
  return "vector";
}

const char* run(const Stream& stream, const UpdateRunningStatistics& call,
                const Workspace& /*workspace*/) {
  stream.pool().parallel_for(call.count, [&](std::int64_t task) {
    const RunningStatistics& s = call.statistics[task];
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const double squares = static_cast<double>(s.variance[c]) * static_cast<double>(s.pixels);
      update_running({s.pixels, s.momentum}, static_cast<double>(s.mean[c]), squares,
                     s.running_mean[c], s.running_var[c]);
    }
  });
  return "vectors";
}

}  // namespace accrete::kernels::cpu
#endif
