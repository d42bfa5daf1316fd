// SPDX-License-Identifier: Apache-2.0
// Average pooling, of windows and of whole images.
#include "accrete/kernels/pool.h"
#include "cpu/channel_sums.h"
#include "pool/pool_windows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "pool/average_pool.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/column_sums-inl.h"
#include "pool/average_pool-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

void average_lines(const AveragePoolForward& call, const PoolTile& tile) {
  with_element(call.x.dtype, [&]<class T>() {
    with_rows(call.norm, tile.channel, tile.channels, [&](const auto& load) HWY_ATTR {
      average_pool_lines(call.problem, tile, ConstRows<T>(call.x), load, Rows<T>(call.y));
    });
  });
}

void average_gradient_lines(const AveragePoolBackward& call, const PoolTile& tile,
                            const ChannelPartials& partials) {
  with_element(call.grad_y.dtype, [&]<class T>() {
    with_gradient_rows<T>(call.x, call.norm, call.grad_x, tile.channel, tile.channels, partials,
                          tile.line_task, [&](auto& store) HWY_ATTR {
                            average_pool_gradient_lines(call.problem, tile,
                                                        ConstRows<T>(call.grad_y), store);
                          });
  });
}

// Sums stay in registers, so those of the plain pixels are cut as column_sums-inl.h does.
template <class T>
void mean_of_image(const RowTile& tile, std::int64_t pixels, const ConstRows<T>& x,
                   const PlainRows& /*load*/, T* to) {
  const T* from = x.at(tile.row * pixels, tile.channel);
  const float weight = 1.0F / static_cast<float>(pixels);
  for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    io.store(hn::Mul(sum_column(io, pixels, from + c, x.pitch), hn::Set(io.d, weight)), to + c);
  });
}

template <class T>
void mean_of_image(const RowTile& tile, std::int64_t pixels, const ConstRows<T>& x,
                   const NormReluRows& load, T* to) {
  const T* from = x.at(tile.row * pixels, tile.channel);
  const float weight = 1.0F / static_cast<float>(pixels);
  for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    auto sum = load.load(io, from, c);
    for (std::int64_t i = 1; i < pixels; ++i) {
      sum = hn::Add(sum, load.load(io, from + i * x.pitch, c));
    }
    io.store(hn::Mul(sum, hn::Set(io.d, weight)), to + c);
  });
}

void image_mean(const GlobalAveragePoolForward& call, const RowTile& tile) {
  const std::int64_t pixels = call.x.shape.h * call.x.shape.w;
  with_element(call.x.dtype, [&]<class T>() {
    with_rows(call.norm, tile.channel, tile.channels, [&](const auto& load) HWY_ATTR {
      mean_of_image(tile, pixels, ConstRows<T>(call.x), load,
                    Rows<T>(call.y).at(tile.row, tile.channel));
    });
  });
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(average_lines);
HWY_EXPORT(average_gradient_lines);
HWY_EXPORT(image_mean);

const char* run(const Stream& stream, const AveragePoolForward& call,
                const Workspace& /*workspace*/) {
  const PoolTiles tiles = pool_tiles(call.y.shape);
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(average_lines)(call, tiles.tile(task));
  });
  return "lines";
}

std::size_t workspace_bytes(const AveragePoolBackward& call) {
  return call.norm ? gradient_sums_bytes(call.grad_x.g.shape) : 0;
}

const char* run(const Stream& stream, const AveragePoolBackward& call, const Workspace& workspace) {
  const Shape& x = call.grad_x.g.shape;
  const PoolTiles tiles = pool_tiles(x);
  const ChannelPartials partials(static_cast<float*>(workspace.data), x.c);
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(average_gradient_lines)(call, tiles.tile(task), partials);
  });
  finish_gradient_sums(stream.pool(), partials, tiles.line_tasks(), call.norm, call.grad_x);
  return "lines";
}

const char* run(const Stream& stream, const GlobalAveragePoolForward& call,
                const Workspace& /*workspace*/) {
  const RowTiles tiles = image_tiles(call.x.shape);
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(image_mean)(call, tiles.tile(task));
  });
  return "rows";
}

std::size_t workspace_bytes(const GlobalAveragePoolBackward& call) {
  return call.norm ? gradient_sums_bytes(call.grad_x.g.shape) : 0;
}

const char* run(const Stream& stream, const GlobalAveragePoolBackward& call,
                const Workspace& workspace) {
  const Shape& x = call.grad_x.g.shape;
  spread_gradient(stream.pool(), {call.grad_y, x.h * x.w, call.x, call.norm, call.grad_x},
                  workspace);
  return "rows";
}

}  // namespace accrete::kernels::cpu
#endif
