// SPDX-License-Identifier: Apache-2.0
// Copy, add and fill over pitched rows.
#include "cpu/elementwise.h"

#include "cpu/row_tiles.h"
#include "cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/elementwise.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h:
#include "cpu/simd_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

void copy_tile(const RowTile& tile, const ConstRows& src, const Rows& dst) {
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    const float* from = src.at(row, tile.channel);
    float* to = dst.at(row, tile.channel);
    for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      io.store(io.load(from + c), to + c);
    });
  }
}

void add_tile(const RowTile& tile, const ConstRows& a, const ConstRows& b, const Rows& y) {
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    const float* left = a.at(row, tile.channel);
    const float* right = b.at(row, tile.channel);
    float* to = y.at(row, tile.channel);
    for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      io.store(hn::Add(io.load(left + c), io.load(right + c)), to + c);
    });
  }
}

void fill_tile(const RowTile& tile, const Rows& dst, float value) {
  for (std::int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
    float* to = dst.at(row, tile.channel);
    for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
      io.store(hn::Set(io.d, value), to + c);
    });
  }
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace accrete::kernels::cpu {

HWY_EXPORT(copy_tile);
HWY_EXPORT(add_tile);
HWY_EXPORT(fill_tile);

void copy(ThreadPool& pool, const ConstTensorView& src, const TensorView& dst, GradMode mode) {
  if (mode == GradMode::accumulate) {
    add(pool, dst, src, dst);
    return;
  }
  const RowTiles tiles = element_tiles(dst.shape, src.packed() && dst.packed());
  const ConstRows from(src);
  const Rows to(dst);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(copy_tile)(tiles.tile(task), from, to);
  });
}

void add(ThreadPool& pool, const ConstTensorView& a, const ConstTensorView& b,
         const TensorView& y) {
  const RowTiles tiles = element_tiles(y.shape, a.packed() && b.packed() && y.packed());
  const ConstRows left(a);
  const ConstRows right(b);
  const Rows to(y);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(add_tile)(tiles.tile(task), left, right, to);
  });
}

void fill(ThreadPool& pool, const TensorView& dst, float value) {
  const RowTiles tiles = element_tiles(dst.shape, dst.packed());
  const Rows to(dst);
  pool.parallel_for(tiles.count(), [&](std::int64_t task) {
    HWY_DYNAMIC_DISPATCH(fill_tile)(tiles.tile(task), to, value);
  });
}

}  // namespace accrete::kernels::cpu
#endif
