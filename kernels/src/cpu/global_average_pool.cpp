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

template <class T>
void mean_of_rows(std::int64_t rows, std::int64_t channels, const T* x, std::int64_t pitch, T* y) {
  const float weight = 1.0F / static_cast<float>(rows);
  for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    io.store(hn::Mul(sum_column(io, rows, x + c, pitch), hn::Set(io.d, weight)), y + c);
  });
}

template <class T>
void spread_over_rows(std::int64_t rows, std::int64_t channels, const T* grad_y, T* grad_x,
                      std::int64_t pitch, GradMode mode) {
  const float weight = 1.0F / static_cast<float>(rows);
  const bool accumulate = mode == GradMode::accumulate;
  for (std::int64_t row = 0; row < rows; ++row) {
    T* to = grad_x + row * pitch;
    for_each_vector(channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      auto v = hn::Mul(io.load(grad_y + c), hn::Set(io.d, weight));
      if (accumulate) {
        v = hn::Add(io.load(to + c), v);
      }
      io.store(v, to + c);
    });
  }
}

void image_mean(const RowTile& tile, std::int64_t pixels, const ConstTensorView& x,
                const TensorView& y) {
  with_element(x.dtype, [&]<class T>() {
    mean_of_rows(pixels, tile.channels, ConstRows<T>(x).at(tile.row * pixels, tile.channel),
                 x.pitch, Rows<T>(y).at(tile.row, tile.channel));
  });
}

void image_mean_gradient(const RowTile& tile, std::int64_t pixels, const ConstTensorView& grad_y,
                         const TensorView& grad_x, GradMode mode) {
  with_element(grad_x.dtype, [&]<class T>() {
    spread_over_rows(pixels, tile.channels, ConstRows<T>(grad_y).at(tile.row, tile.channel),
                     Rows<T>(grad_x).at(tile.row * pixels, tile.channel), grad_x.pitch, mode);
  });
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(image_mean);
HWY_EXPORT(image_mean_gradient);

void global_average_pool_forward(ThreadPool& pool, const ConstTensorView& x, const TensorView& y) {
  const RowTiles tiles = image_tiles(x.shape);
  const std::int64_t pixels = x.shape.h * x.shape.w;
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(image_mean)(tiles.tile(task), pixels, x, y);
  });
}

void global_average_pool_backward(ThreadPool& pool, const ConstTensorView& grad_y,
                                  const TensorView& grad_x, GradMode mode) {
  const RowTiles tiles = image_tiles(grad_x.shape);
  const std::int64_t pixels = grad_x.shape.h * grad_x.shape.w;
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(image_mean_gradient)(tiles.tile(task), pixels, grad_y, grad_x, mode);
  });
}

}  // namespace accrete::kernels::cpu
#endif
