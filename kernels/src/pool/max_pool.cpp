// SPDX-License-Identifier: Apache-2.0
// Max pooling.
#include "accrete/kernels/pool.h"
#include "cpu/channel_sums.h"
#include "pool/pool_windows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "pool/max_pool.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "pool/max_pool-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

void max_lines(const MaxPoolForward& call, const PoolTile& tile) {
  with_element(call.x.dtype, [&]<class T>() {
    const ConstRows<T> x(call.x);
    const Rows<T> y(call.y);
    if (call.norm) {
      const StoredNormReluRows load{NormReluRows(call.norm, tile.channel, tile.channels)};
      max_pool_lines(call.problem, tile, x, load, y, call.winner.u8());
    } else {
      max_pool_lines(call.problem, tile, x, PlainRows(), y, call.winner.u8());
    }
  });
}

void max_gradient_lines(const MaxPoolBackward& call, const PoolTile& tile,
                        const ChannelPartials& partials) {
  const DeferredGradient& grad_y = call.grad_y;
  with_element(grad_y.g.dtype, [&]<class T>() {
    with_gradient_rows<T>(
        call.x, call.norm, call.grad_x, tile.channel, tile.channels, partials, tile.line_task,
        [&](auto& store) HWY_ATTR {
          if (grad_y.y) {
            max_pool_gradient_lines(call.problem, tile,
                                    DeferredGradientRows<T>(grad_y, tile.channel, tile.channels),
                                    call.winner.u8(), store);
          } else {
            max_pool_gradient_lines(call.problem, tile,
                                    GradientRows<T>{ConstRows<T>(grad_y.g), tile.channel},
                                    call.winner.u8(), store);
          }
        });
  });
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(max_lines);
HWY_EXPORT(max_gradient_lines);

std::size_t workspace_bytes(const MaxPoolForward& call) {
  return call.norm ? gradient_sums_bytes(call.x.shape) : 0;
}

const char* run(const Stream& stream, const MaxPoolForward& call, const Workspace& workspace) {
  const PoolTiles tiles = pool_tiles(call.y.shape);
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(max_lines)(call, tiles.tile(task));
  });
  if (call.statistics) {
    // The workspace is that of x, and padding can make y the larger one.
    const std::int64_t most = channel_tiles(call.x.shape).row_tiles;
    channel_statistics(stream.pool(), coarsened(channel_tiles(call.y.shape), most), call.y,
                       call.statistics, static_cast<float*>(workspace.data));
  }
  return "lines";
}

std::size_t workspace_bytes(const MaxPoolBackward& call) {
  return call.norm ? gradient_sums_bytes(call.grad_x.g.shape) : 0;
}

const char* run(const Stream& stream, const MaxPoolBackward& call, const Workspace& workspace) {
  const Shape& x = call.grad_x.g.shape;
  const PoolTiles tiles = pool_tiles(x);
  const ChannelPartials partials(static_cast<float*>(workspace.data), x.c);
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(max_gradient_lines)(call, tiles.tile(task), partials);
  });
  finish_gradient_sums(stream.pool(), partials, tiles.line_tasks(), call.norm, call.grad_x);
  return "lines";
}

}  // namespace accrete::kernels::cpu
#endif
