// SPDX-License-Identifier: Apache-2.0
// Passes of their own for what kernels usually do while they load or store: NormRelu and its
// gradient, deferred gradients, statistics.
#include "cpu/norm_relu.h"

#include "cpu/batch_norm.h"
#include "cpu/moments.h"
#include "cpu/pool_windows.h"
#include "cpu/simd_targets.h"
#include "cpu/workspace_floats.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/norm_relu.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/norm_relu_access-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

template <class T>
void norm_relu_gradient_rows(const RowTile& tile, const ConstRows<T>& grad_y, std::int64_t spread,
                             NormReluSink<T>& sink) {
  const float weight = 1.0F / static_cast<float>(spread);
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    const T* from = grad_y.at(spread == 1 ? row : row / spread, tile.channel);
    for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      sink.put(io, row, c, hn::Mul(io.load(from + c), hn::Set(io.d, weight)));
    });
  }
}

void norm_relu_backward_tile(const RowTile& tile, const ConstTensorView& grad_y,
                             std::int64_t spread, const ConstTensorView& x, const NormRelu& norm,
                             const NormReluGradient& out, const ChannelPartials& partials) {
  with_element(x.dtype, [&]<class T>() {
    NormReluSink<T> sink(x, norm, out, tile.channel, tile.channels);
    norm_relu_gradient_rows(tile, ConstRows<T>(grad_y), spread, sink);
    sink.put_sums(partials.first(tile.row_index), partials.second(tile.row_index));
  });
}

template <class T>
void deferred_gradient_rows(const RowTile& tile, const DeferredGradientLoad<T>& load,
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
    const DeferredGradientLoad<T> load(gradient, tile.channel, tile.channels);
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

HWY_EXPORT(norm_relu_backward_tile);
HWY_EXPORT(deferred_gradient_tile);
HWY_EXPORT(inverse_deviation_of);

std::size_t norm_relu_workspace_bytes(const Shape& x) {
  const RowTiles tiles = channel_tiles(x);
  return float_bytes(std::max({moments_floats(tiles), ChannelPartials::floats(tiles.row_tiles, x.c),
                               ChannelPartials::floats(pool_tiles(x).line_tasks(), x.c)}));
}

void channel_statistics(ThreadPool& pool, const ConstTensorView& x, const StatisticsOutput& out,
                        const Workspace& workspace) {
  channel_statistics(pool, channel_tiles(x.shape), x, out, static_cast<float*>(workspace.data));
}

void norm_relu_forward(ThreadPool& pool, const ConstTensorView& x, const NormRelu& norm,
                       const TensorView& y) {
  batch_norm_normalise(pool, true, x,
                       {norm.gamma.f32(), norm.beta.f32(), norm.mean.f32(), norm.inv_std.f32()}, y);
}

void norm_relu_backward(ThreadPool& pool, const ConstTensorView& grad_y, std::int64_t spread,
                        const ConstTensorView& x, const NormRelu& norm, const NormReluGradient& out,
                        const Workspace& workspace) {
  const RowTiles tiles = channel_tiles(x.shape);
  const ChannelPartials partials(static_cast<float*>(workspace.data), x.shape.c);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(norm_relu_backward_tile)
    (tiles.tile(task), grad_y, spread, x, norm, out, partials);
  });
  finish_gradient_sums(pool, partials, tiles.row_tiles, x.shape.pixels(), norm, out);
}

void apply_deferred_gradient(ThreadPool& pool, const DeferredGradient& gradient,
                             const TensorView& grad_y) {
  const RowTiles tiles = channel_tiles(grad_y.shape);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(deferred_gradient_tile)(tiles.tile(task), gradient, grad_y);
  });
}

void inverse_deviation(ThreadPool& pool, const ConstTensorView& variance, float epsilon,
                       const TensorView& inv_std) {
  pool.parallel_for(1, [&](std::int64_t /*task*/) {
    HWY_DYNAMIC_DISPATCH(inverse_deviation_of)
    (variance.shape.c, variance.f32(), epsilon, inv_std.f32());
  });
}

namespace {

void blend(float& running, double batch, float momentum) {
  const auto share = static_cast<double>(momentum);
  running = static_cast<float>((1.0 - share) * static_cast<double>(running) + share * batch);
}

}  // namespace

void update_running_statistics(ThreadPool& pool, const RunningStatistics* statistics,
                               std::int64_t count) {
  pool.parallel_for(count, [&](std::int64_t task) {
    const RunningStatistics& s = statistics[task];
    const auto pixels = static_cast<double>(s.pixels);
    for (std::int64_t c = 0; c < s.channels; ++c) {
      blend(s.running_mean[c], static_cast<double>(s.mean[c]), s.momentum);
      if (s.pixels > 1) {
        blend(s.running_var[c], static_cast<double>(s.variance[c]) * pixels / (pixels - 1.0),
              s.momentum);
      }
    }
  });
}

}  // namespace accrete::kernels::cpu
#endif
