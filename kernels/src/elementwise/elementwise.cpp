// SPDX-License-Identifier: Apache-2.0
// Copy, cast, add and fill over pitched rows.
#include "accrete/kernels/elementwise.h"

#include "cpu/row_tiles.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "elementwise/elementwise.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

template <class From, class To>
void copy_rows(const RowTile& tile, const ConstRows<From>& src, const Rows<To>& dst) {
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    const From* from = src.at(row, tile.channel);
    To* to = dst.at(row, tile.channel);
    for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      io.store(io.load(from + c), to + c);
    });
  }
}

template <class T>
void add_rows(const RowTile& tile, const ConstRows<T>& a, const ConstRows<T>& b, const Rows<T>& y) {
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    const T* left = a.at(row, tile.channel);
    const T* right = b.at(row, tile.channel);
    T* to = y.at(row, tile.channel);
    for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      io.store(hn::Add(io.load(left + c), io.load(right + c)), to + c);
    });
  }
}

template <class T>
void fill_rows(const RowTile& tile, const Rows<T>& dst, float value) {
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    T* to = dst.at(row, tile.channel);
    for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      io.store(hn::Set(io.d, value), to + c);
    });
  }
}

void copy_tile(const RowTile& tile, const ConstTensorView& src, const TensorView& dst) {
  with_element(src.dtype, [&]<class From>() {
    with_element(dst.dtype,
                 [&]<class To>() { copy_rows(tile, ConstRows<From>(src), Rows<To>(dst)); });
  });
}

void add_tile(const RowTile& tile, const ConstTensorView& a, const ConstTensorView& b,
              const TensorView& y) {
  with_element(y.dtype,
               [&]<class T>() { add_rows(tile, ConstRows<T>(a), ConstRows<T>(b), Rows<T>(y)); });
}

void fill_tile(const RowTile& tile, const TensorView& dst, float value) {
  with_element(dst.dtype, [&]<class T>() { fill_rows(tile, Rows<T>(dst), value); });
}

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

HWY_EXPORT(copy_tile);
HWY_EXPORT(add_tile);
HWY_EXPORT(fill_tile);
HWY_EXPORT(relu_tile);
HWY_EXPORT(relu_gradient_tile);

const char* run(const Stream& stream, const Add& call, const Workspace& /*workspace*/) {
  const bool packed = call.a.packed() && call.b.packed() && call.y.packed();
  const RowTiles tiles = element_tiles(call.y.shape, packed);
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(add_tile)(tiles.tile(task), call.a, call.b, call.y);
  });
  return "rows";
}

const char* run(const Stream& stream, const Copy& call, const Workspace& workspace) {
  if (call.mode == GradMode::accumulate) {
    return run(stream, Add{call.dst, call.src, call.dst}, workspace);
  }
  const RowTiles tiles = element_tiles(call.dst.shape, call.src.packed() && call.dst.packed());
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(copy_tile)(tiles.tile(task), call.src, call.dst);
  });
  return "rows";
}

const char* run(const Stream& stream, const Fill& call, const Workspace& /*workspace*/) {
  const RowTiles tiles = element_tiles(call.dst.shape, call.dst.packed());
  stream.pool().parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(fill_tile)(tiles.tile(task), call.dst, call.value);
  });
  return "rows";
}

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
