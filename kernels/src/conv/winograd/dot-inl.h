// SPDX-License-Identifier: Apache-2.0
// Winograd's products in the dot form: transformed filters, and the tasks that multiply by them.
#if defined(ACCRETE_CPU_WINOGRAD_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_WINOGRAD_DOT_INL_H_
#undef ACCRETE_CPU_WINOGRAD_DOT_INL_H_
#else
#define ACCRETE_CPU_WINOGRAD_DOT_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "accrete/kernels/problem.h"
#include "accrete/kernels/thread_pool.h"
#include "conv/gemm/blocking.h"
#include "conv/gemm/epilogue-inl.h"
#include "conv/gemm/gemm_dot-inl.h"
#include "conv/gemm/line_ring-inl.h"
#include "conv/gemm/prefetch.h"
#include "conv/gemm/tile-inl.h"
#include "conv/gemm/transform-inl.h"
#include "conv/winograd/transforms-inl.h"
#include "cpu/scratch.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

// The transformed filter: for each frequency the right operand of the dot form, panels
// [reduction][panel width], in full vectors, zero behind the last column.

/// The transform of `count` channels of one filter: taps at `weight`, `tap_pitch` elements apart.
template <class T>
HWY_INLINE Square<4> transformed_filter(const T* weight, std::int64_t tap_pitch,
                                        std::int64_t count) {
  return transformed<OfFilter>(load_square<3>([&](std::size_t r, std::size_t s) HWY_ATTR {
    const T* tap = weight + static_cast<std::int64_t>(3 * r + s) * tap_pitch;
    return count >= kLanes ? load_lanes(tap) : load_some(tap, count);
  }));
}

/// One panel of B[c][k] from weight[k][r][s][c], for `count` channels from c on.
template <class T>
void pack_winograd_panel(const T* weight, const WinogradDotBlocking& blocking, std::int64_t c,
                         std::int64_t count, std::int64_t column, float* packed) {
  const std::int64_t width = panel_vectors(blocking.columns - column) * kLanes;
  const std::int64_t outputs = std::min(width, blocking.columns - column);
  alignas(64) float filters[kFrequencies][kPanel * kLanes];
  for (std::int64_t k = 0; k < outputs; ++k) {
    const T* filter = weight + (column + k) * 9 * blocking.reduction + c;
    store_square(transformed_filter(filter, blocking.reduction, count), filters[0] + k * kLanes,
                 kPanel * kLanes);
  }
  float* target = packed + column * blocking.reduction + c * width;
  for (const float* frequency : filters) {
    transpose(frequency, kLanes, outputs, count, target, width);
    zero_behind(target, count, width, outputs);
    target += blocking.frequency_floats;
  }
}

/// Row k of B[k][c] from weight[k][2-r][2-s][c].
template <class T>
void pack_winograd_turned_row(const T* weight, const WinogradDotBlocking& blocking, std::int64_t k,
                              float* packed) {
  const std::int64_t channels = blocking.columns;
  const T* last_tap = weight + (9 * k + 8) * channels;
  for (std::int64_t column = 0; column < channels; column += kPanel) {
    const std::int64_t width = panel_vectors(channels - column) * kLanes;
    float* target = packed + column * blocking.reduction + k * width;
    for (std::int64_t j = 0; j < width; j += kLanes) {
      const std::int64_t c = column + j;
      store_square(transformed_filter(last_tap + c, -channels, channels - c), target + j,
                   blocking.frequency_floats);
    }
  }
}

/// The operand of a forward convolution.
template <class T>
void pack_winograd_weights(ThreadPool& pool, const T* weight, const WinogradDotBlocking& blocking,
                           float* packed) {
  pool.parallel_for(divide_up(blocking.reduction, kLanes), [&](std::int64_t strip) HWY_ATTR {
    const std::int64_t c = strip * kLanes;
    const std::int64_t count = std::min(kLanes, blocking.reduction - c);
    for (std::int64_t column = 0; column < blocking.columns; column += kPanel) {
      pack_winograd_panel(weight, blocking, c, count, column, packed);
    }
  });
}

/// The operand of the gradient of the data.
template <class T>
void pack_winograd_turned_weights(ThreadPool& pool, const T* weight,
                                  const WinogradDotBlocking& blocking, float* packed) {
  pool.parallel_for(blocking.reduction, [&](std::int64_t k) HWY_ATTR {
    pack_winograd_turned_row(weight, blocking, k, packed);
  });
}

// The dot form by Winograd's algorithm: the windows of a group of tiles are transformed, multiplied
// frequency by frequency with one panel of the transformed filter after the other, and the sums
// turned into results while they are in the L1 cache. Epilogues are those of the dot form.

/// Tiles [first, last) of a block and the pixels of the block before them.
struct TileGroup {
  std::int64_t block;
  std::int64_t block_row;
  std::int64_t first, last;

  std::int64_t count() const { return last - first; }
};

/// The scratch of a task, piece by piece.
struct WinogradScratch {
  float* windows;   // [frequency][chunk of channels][tile][kChunkPitch]
  float* products;  // [frequency][tile][panel width]
  float* results;   // [line of the tiles][pixel][panel width]
  float* zeros;
  float* ring;

  WinogradScratch(const WinogradDotBlocking& blocking, float* data)
      : windows(data),
        products(windows + blocking.window_floats),
        results(products + kFrequencies * kTileRows * kPanel),
        zeros(products + blocking.product_floats),
        ring(zeros + blocking.zero_floats) {
    std::fill_n(zeros, blocking.zero_floats, 0.0F);
  }
};

/// Floats of a group's windows: a chunk of their channels, and all of them for one frequency.
constexpr std::int64_t kChunkFloats = kTileRows * kChunkPitch;
inline std::int64_t frequency_window_floats(const WinogradDotBlocking& blocking) {
  return divide_up(blocking.reduction, kChunk) * kChunkFloats;
}

/// results[line][2 * tile + s] from products[frequency][tile], both `width` wide.
inline void transform_tile_products(const float* products, std::int64_t tiles, std::int64_t width,
                                    float* results) {
  const std::int64_t frequency_floats = kTileRows * width;
  const std::int64_t line_floats = 2 * kTileRows * width;
  for (std::int64_t i = 0; i < tiles; ++i) {
    for (std::int64_t j = 0; j < width; j += kLanes) {
      const float* from = products + i * width + j;
      const Square<4> sums = load_square<4>([&](std::size_t r, std::size_t s) HWY_ATTR {
        return hn::Load(FloatTag(), from + static_cast<std::int64_t>(4 * r + s) * frequency_floats);
      });
      const Square<2> pixels = transformed<OfProducts>(sums);
      float* const to = results + 2 * i * width + j;
      hn::Store(pixels.row[0].v[0], FloatTag(), to);
      hn::Store(pixels.row[0].v[1], FloatTag(), to + width);
      hn::Store(pixels.row[1].v[0], FloatTag(), to + line_floats);
      hn::Store(pixels.row[1].v[1], FloatTag(), to + line_floats + width);
    }
  }
}

/// Hands the results of a group over: line by line, each run of tiles beside each other at a time.
template <class Epilogue>
void store_results(const WinogradTiles& tiles, const TileGroup& group, float* results,
                   std::int64_t width, std::int64_t column, std::int64_t columns,
                   const Epilogue& epilogue) {
  std::int64_t block_row = group.block_row;
  for (std::int64_t tile = group.first; tile < group.last;) {
    const std::int64_t line = tile / tiles.per_line();
    const std::int64_t run = std::min(group.last, (line + 1) * tiles.per_line()) - tile;
    const std::int64_t q = tile % tiles.per_line() * 2;
    const std::int64_t pixels = std::min(2 * run, tiles.width - q);
    const std::int64_t p = line % tiles.lines() * 2;
    const std::int64_t row = (line / tiles.lines() * tiles.height + p) * tiles.width + q;
    const std::int64_t lines = std::min<std::int64_t>(2, tiles.height - p);
    for (std::int64_t i = 0; i < lines; ++i) {
      float* const values = results + 2 * (i * kTileRows + tile - group.first) * width;
      epilogue(TileResult{values, width, group.block, block_row, row + i * tiles.width, pixels,
                          column, columns});
      block_row += pixels;
    }
    tile += run;
  }
}

/// A group, whose windows are transformed, against one panel of the filter after the other.
template <class Epilogue>
void multiply_group(const WinogradDotBlocking& blocking, const TileGroup& group,
                    const WinogradScratch& scratch, const float* packed_weights,
                    const Epilogue& epilogue, TilePrefetcher& prefetcher) {
  const std::int64_t window_floats = frequency_window_floats(blocking);
  for (std::int64_t column = 0; column < blocking.columns; column += kPanel) {
    const std::int64_t width = panel_vectors(blocking.columns - column) * kLanes;
    const float* panel = packed_weights + column * blocking.reduction;
    const DotTile multiply = find_dot_tile<float>(group.count(), width / kLanes);
    for (std::int64_t f = 0; f < kFrequencies; ++f, panel += blocking.frequency_floats) {
      multiply(scratch.windows + f * window_floats, panel, blocking.reduction,
               scratch.products + f * kTileRows * width, prefetcher.queue());
    }
    transform_tile_products(scratch.products, group.count(), width, scratch.results);
    store_results(blocking.tiles, group, scratch.results, width, column,
                  std::min(width, blocking.columns - column), epilogue);
  }
}

template <class T, class Transform, class Epilogue>
void multiply_winograd_block(const WinogradDotBlocking& blocking, std::int64_t block,
                             const Im2col& windows, const Transform& transform,
                             const WinogradScratch& scratch, const float* packed_weights,
                             const Epilogue& epilogue, TilePrefetcher& prefetcher) {
  WindowRing<T, Transform> ring(windows, transform, blocking.ring, scratch.ring);
  const WindowTarget target = {scratch.windows, kChunkPitch, kChunkFloats,
                               frequency_window_floats(blocking)};
  const std::int64_t end = blocking.first_tile(block + 1);
  TileGroup group = {block, 0, blocking.first_tile(block), 0};
  for (; group.first < end; group.first = group.last) {
    group.last = std::min(group.first + kTileRows, end);
    transform_windows(windows, ring, group.first, group.last, scratch.zeros, target);
    prefetcher.start(group.last, std::min(group.last + kTileRows, end));
    multiply_group(blocking, group, scratch, packed_weights, epilogue, prefetcher);
    group.block_row +=
        blocking.tiles.pixels_before(group.last) - blocking.tiles.pixels_before(group.first);
  }
  epilogue.finish(block);
}

/// `matrix` is that of the 3x3 filters, made of T; `packed_weights` is the transformed filter.
template <class T, class Transform, class Epilogue>
void winograd_dot(ThreadPool& pool, const WinogradDotBlocking& blocking, const Im2col& matrix,
                  const Transform& transform, const float* packed_weights, ScratchSlots& slots,
                  const Epilogue& epilogue) {
  const Im2col windows = input_tiles(matrix);
  TouchedRows touched;
  touched.add(windows);
  transform.add_touched(windows, touched);
  TouchedRows beside_result;
  epilogue.add_touched(beside_result);
  for (std::int64_t i = 0; i < beside_result.count(); ++i) {
    touched.add(result_tiles(beside_result[i]));
  }
  pool.parallel_for(blocking.blocks, [&](std::int64_t block) HWY_ATTR {
    const ScratchSlots::Lease lease(slots);
    const WinogradScratch scratch(blocking, lease.data());
    TilePrefetcher prefetcher(touched);
    multiply_winograd_block<T>(blocking, block, windows, transform, scratch, packed_weights,
                               epilogue, prefetcher);
  });
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
