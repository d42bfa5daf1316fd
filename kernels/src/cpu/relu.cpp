// SPDX-License-Identifier: Apache-2.0
// Rectified linear unit, forward and backward.
#include "call/backend.h"

#include "cpu/row_tiles.h"
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/relu.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/simd_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

template <class T>
void relu_rows(const RowTile& tile, const ConstRows<T>& x, const Rows<T>& y) {
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    const T* from = x.at(row, tile.channel);
    T* to = y.at(row, tile.channel);
    for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      io.store(rectify(io.d, io.load(from + c)), to + c);
    });
  }
}

void relu_tile(const RowTile& tile, const ConstTensorView& x, const TensorView& y) {
  with_element(x.dtype, [&]<class T>() { relu_rows(tile, ConstRows<T>(x), Rows<T>(y)); });
}

template <GradMode kMode, class T>
void relu_gradient_rows(const RowTile& tile, const ConstRows<T>& grad_y, const ConstRows<T>& y,
                        const Rows<T>& grad_x) {
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    const T* gradient = grad_y.at(row, tile.channel);
    const T* output = y.at(row, tile.channel);
    T* to = grad_x.at(row, tile.channel);
    for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      auto v = gate_positive(io.d, io.load(output + c), io.load(gradient + c));
      if constexpr (kMode == GradMode::accumulate) {
        v = hn::Add(io.load(to + c), v);
      }
      io.store(v, to + c);
    });
  }
}

void relu_gradient_tile(const RowTile& tile, const ConstTensorView& grad_y,
                        const ConstTensorView& y, const TensorView& grad_x, GradMode mode) {
  with_element(y.dtype, [&]<class T>() {
    const ConstRows<T> gradient(grad_y);
    const ConstRows<T> output(y);
    const Rows<T> to(grad_x);
    if (mode == GradMode::overwrite) {
      relu_gradient_rows<GradMode::overwrite>(tile, gradient, output, to);
    } else {
      relu_gradient_rows<GradMode::accumulate>(tile, gradient, output, to);
    }
  });
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(relu_tile);
HWY_EXPORT(relu_gradient_tile);

const char* run(const Stream& stream, const ReluForward& call, const Workspace& /*workspace*/) {
  const RowTiles tiles = element_tiles(call.x.shape, call.x.packed() && call.y.packed());
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(relu_tile)(tiles.tile(task), call.x, call.y);
  });
  return "rows";
}

const char* run(const Stream& stream, const ReluBackward& call, const Workspace& /*workspace*/) {
  const bool packed = call.grad_y.packed() && call.y.packed() && call.grad_x.packed();
  const RowTiles tiles = element_tiles(call.y.shape, packed);
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(relu_gradient_tile)
    (tiles.tile(task), call.grad_y, call.y, call.grad_x, call.mode);
  });
  return "rows";
}

}  // namespace accrete::kernels::cpu
#endif
