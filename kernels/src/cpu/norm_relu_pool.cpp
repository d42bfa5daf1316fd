// SPDX-License-Identifier: Apache-2.0
// The pools of max_pool-inl.h and average_pool-inl.h, reading through NormRelu.
#include "cpu/moments.h"
#include "cpu/norm_relu.h"
#include "cpu/pool_windows.h"
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/norm_relu_pool.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/average_pool-inl.h"
#include "cpu/max_pool-inl.h"
#include "cpu/norm_relu_access-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

void norm_average_lines(const PoolProblem& problem, const PoolTile& tile, const ConstTensorView& x,
                        const NormRelu& norm, const TensorView& y) {
  const NormReluLoad load(norm, tile.channel, tile.channels);
  with_element(x.dtype, [&]<class T>() {
    average_pool_lines(problem, tile, ConstRows<T>(x), load, Rows<T>(y));
  });
}

void norm_average_gradient_lines(const PoolProblem& problem, const PoolTile& tile,
                                 const ConstTensorView& grad_y, const ConstTensorView& x,
                                 const NormRelu& norm, const NormReluGradient& out,
                                 const ChannelPartials& partials) {
  with_element(x.dtype, [&]<class T>() {
    NormReluSink<T> sink(x, norm, out, tile.channel, tile.channels);
    average_pool_gradient_lines(problem, tile, ConstRows<T>(grad_y), sink);
    sink.put_sums(partials.first(tile.line_task), partials.second(tile.line_task));
  });
}

template <class T>
void mean_of_loaded_rows(const RowTile& tile, std::int64_t pixels, const ConstRows<T>& x,
                         const NormReluLoad& load, const Rows<T>& y) {
  const T* from = x.at(tile.row * pixels, tile.channel);
  T* to = y.at(tile.row, tile.channel);
  const float weight = 1.0F / static_cast<float>(pixels);
  for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    auto sum = load.load(io, from, c);
    for (std::int64_t i = 1; i < pixels; ++i) {
      sum = hn::Add(sum, load.load(io, from + i * x.pitch, c));
    }
    io.store(hn::Mul(sum, hn::Set(io.d, weight)), to + c);
  });
}

void norm_image_mean(const RowTile& tile, std::int64_t pixels, const ConstTensorView& x,
                     const NormRelu& norm, const TensorView& y) {
  const NormReluLoad load(norm, tile.channel, tile.channels);
  with_element(x.dtype, [&]<class T>() {
    mean_of_loaded_rows(tile, pixels, ConstRows<T>(x), load, Rows<T>(y));
  });
}

void norm_max_lines(const PoolProblem& problem, const PoolTile& tile, const ConstTensorView& x,
                    const NormRelu& norm, const TensorView& y, std::uint8_t* winner) {
  const StoredNormReluLoad load{NormReluLoad(norm, tile.channel, tile.channels)};
  with_element(x.dtype, [&]<class T>() {
    max_pool_lines(problem, tile, ConstRows<T>(x), load, Rows<T>(y), winner);
  });
}

void norm_max_gradient_lines(const PoolProblem& problem, const PoolTile& tile,
                             const DeferredGradient& grad_y, const std::uint8_t* winner,
                             const ConstTensorView& x, const NormRelu& norm,
                             const NormReluGradient& out, const ChannelPartials& partials) {
  with_element(x.dtype, [&]<class T>() {
    NormReluSink<T> sink(x, norm, out, tile.channel, tile.channels);
    const DeferredGradientLoad<T> load(grad_y, tile.channel, tile.channels);
    max_pool_gradient_lines(problem, tile, load, winner, sink);
    sink.put_sums(partials.first(tile.line_task), partials.second(tile.line_task));
  });
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(norm_average_lines);
HWY_EXPORT(norm_average_gradient_lines);
HWY_EXPORT(norm_image_mean);
HWY_EXPORT(norm_max_lines);
HWY_EXPORT(norm_max_gradient_lines);

void norm_relu_average_pool_forward(ThreadPool& pool, const PoolProblem& problem,
                                    const ConstTensorView& x, const NormRelu& norm,
                                    const TensorView& y) {
  const PoolTiles tiles = pool_tiles(y.shape);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(norm_average_lines)(problem, tiles.tile(task), x, norm, y);
  });
}

void norm_relu_average_pool_backward(ThreadPool& pool, const PoolProblem& problem,
                                     const ConstTensorView& grad_y, const ConstTensorView& x,
                                     const NormRelu& norm, const NormReluGradient& out,
                                     const Workspace& workspace) {
  const PoolTiles tiles = pool_tiles(x.shape);
  const ChannelPartials partials(static_cast<float*>(workspace.data), x.shape.c);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(norm_average_gradient_lines)
    (problem, tiles.tile(task), grad_y, x, norm, out, partials);
  });
  finish_gradient_sums(pool, partials, tiles.line_tasks(), x.shape.pixels(), norm, out);
}

void norm_relu_global_average_pool_forward(ThreadPool& pool, const ConstTensorView& x,
                                           const NormRelu& norm, const TensorView& y) {
  const RowTiles tiles = image_tiles(x.shape);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(norm_image_mean)
    (tiles.tile(task), x.shape.h * x.shape.w, x, norm, y);
  });
}

void norm_relu_max_pool_forward(ThreadPool& pool, const PoolProblem& problem,
                                const ConstTensorView& x, const NormRelu& norm, const TensorView& y,
                                const TensorView& winner, const StatisticsOutput& statistics,
                                const Workspace& workspace) {
  const PoolTiles tiles = pool_tiles(y.shape);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(norm_max_lines)(problem, tiles.tile(task), x, norm, y, winner.u8());
  });
  if (statistics) {
    // The workspace is that of x, and padding can make y the larger one.
    const std::int64_t most = channel_tiles(x.shape).row_tiles;
    channel_statistics(pool, coarsened(channel_tiles(y.shape), most), y, statistics,
                       static_cast<float*>(workspace.data));
  }
}

void norm_relu_max_pool_backward(ThreadPool& pool, const PoolProblem& problem,
                                 const DeferredGradient& grad_y, const ConstTensorView& winner,
                                 const ConstTensorView& x, const NormRelu& norm,
                                 const NormReluGradient& out, const Workspace& workspace) {
  const PoolTiles tiles = pool_tiles(x.shape);
  const ChannelPartials partials(static_cast<float*>(workspace.data), x.shape.c);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(norm_max_gradient_lines)
    (problem, tiles.tile(task), grad_y, winner.u8(), x, norm, out, partials);
  });
  finish_gradient_sums(pool, partials, tiles.line_tasks(), x.shape.pixels(), norm, out);
}

}  // namespace accrete::kernels::cpu
#endif
