// SPDX-License-Identifier: Apache-2.0
// Average over the whole image: one task per sample and block of channels.
#include "cpu/pool.h"
#include "cpu/row_tiles.h"
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/global_average_pool.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/column_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

void mean_of_rows(std::int64_t rows, std::int64_t channels, const float* x, std::int64_t pitch,
                  float* y) {
  const float weight = 1.0F / static_cast<float>(rows);
  for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    io.store(hn::Mul(sum_column(io, rows, x + c, pitch), hn::Set(io.d, weight)), y + c);
  });
}

void spread_over_rows(std::int64_t rows, std::int64_t channels, const float* grad_y, float* grad_x,
                      std::int64_t pitch, GradMode mode) {
  const float weight = 1.0F / static_cast<float>(rows);
  const bool accumulate = mode == GradMode::accumulate;
  for (std::int64_t row = 0; row < rows; ++row) {
    float* to = grad_x + row * pitch;
    for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      auto v = hn::Mul(io.load(grad_y + c), hn::Set(io.d, weight));
      if (accumulate) {
        v = hn::Add(io.load(to + c), v);
      }
      io.store(v, to + c);
    });
  }
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(mean_of_rows);
HWY_EXPORT(spread_over_rows);

void global_average_pool_forward(ThreadPool& pool, const ConstTensorView& x, const TensorView& y) {
  const RowTiles tiles = image_tiles(x.shape);
  const std::int64_t pixels = x.shape.h * x.shape.w;
  const ConstRows from(x);
  const Rows to(y);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    const RowTile tile = tiles.tile(task);
    HWY_DYNAMIC_DISPATCH(mean_of_rows)
    (pixels, tile.channels, from.at(tile.row * pixels, tile.channel), from.pitch,
     to.at(tile.row, tile.channel));
  });
}

void global_average_pool_backward(ThreadPool& pool, const ConstTensorView& grad_y,
                                  const TensorView& grad_x, GradMode mode) {
  const RowTiles tiles = image_tiles(grad_x.shape);
  const std::int64_t pixels = grad_x.shape.h * grad_x.shape.w;
  const ConstRows from(grad_y);
  const Rows to(grad_x);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    const RowTile tile = tiles.tile(task);
    HWY_DYNAMIC_DISPATCH(spread_over_rows)
    (pixels, tile.channels, from.at(tile.row, tile.channel), to.at(tile.row * pixels, tile.channel),
     to.pitch, mode);
  });
}

}  // namespace accrete::kernels::cpu
#endif
