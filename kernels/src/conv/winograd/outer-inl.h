// SPDX-License-Identifier: Apache-2.0
// The gradient of the weights by Winograd's algorithm, the adjoint of the dot form: for each
// frequency the outer product of transformed windows and transformed gradients, summed over the
// tiles; the sums become the nine taps once, at the end.
#if defined(ACCRETE_CPU_WINOGRAD_OUTER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_WINOGRAD_OUTER_INL_H_
#undef ACCRETE_CPU_WINOGRAD_OUTER_INL_H_
#else
#define ACCRETE_CPU_WINOGRAD_OUTER_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "accrete/kernels/thread_pool.h"
#include "conv/gemm/blocking.h"
#include "conv/gemm/gemm_outer-inl.h"
#include "conv/winograd/transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// A z of one tile of the gradient, for the channels [channel, channel + count), at most a vector.
template <class T, class TransformG>
HWY_INLINE Square<4> transformed_gradient(const Im2col& tiles, const Window& tile,
                                          const TransformG& transform_g, std::int64_t channel,
                                          std::int64_t count) {
  return transformed<OfResultGradient>(load_square<2>([&](std::size_t r, std::size_t s) HWY_ATTR {
    const std::int64_t h = tile.h + static_cast<std::int64_t>(r);
    const std::int64_t w = tile.w + static_cast<std::int64_t>(s);
    if (h >= tiles.height || w >= tiles.width) {
      return hn::Zero(FloatTag());
    }
    const T* image = reinterpret_cast<const T*>(tile.image);
    const T* from = image + (h * tiles.width + w) * tiles.pitch + channel;
    return load_run(transform_g.bind(from, channel), 0, count);
  }));
}

/// Rows [first, last) of `tiles` as [frequency][panel][tile][vectors of the panel].
template <class T, class TransformG>
void transform_gradients(const OuterBlocking& outer, const Im2col& tiles,
                         const TransformG& transform_g, std::int64_t first, std::int64_t last,
                         float* target) {
  WindowCursor cursor(tiles, first);
  for (std::int64_t tile = first; tile < last; ++tile, cursor.advance()) {
    const Window window = cursor.window();
    for (std::int64_t output = 0; output < outer.outputs; output += kPanel) {
      const std::int64_t width = panel_vectors(outer.outputs - output) * kLanes;
      float* const to = target + output * (last - first) + (tile - first) * width;
      for (std::int64_t j = 0; j < width; j += kLanes) {
        const std::int64_t channel = output + j;
        store_square(
            transformed_gradient<T>(tiles, window, transform_g, channel, outer.outputs - channel),
            to + j, outer.g_floats);
      }
    }
  }
}

/// The scratch of a task, piece by piece.
struct WinogradOuterScratch {
  float* windows;    // [frequency][tile][a_pitch]
  float* gradients;  // [frequency][panel][tile][panel width]
  float* zeros;
  float* ring;

  WinogradOuterScratch(const WinogradOuterBlocking& blocking, float* data)
      : windows(data),
        gradients(windows + blocking.window_floats),
        zeros(gradients + blocking.gradient_floats),
        ring(zeros + blocking.zero_floats) {
    std::fill_n(zeros, blocking.zero_floats, 0.0F);
  }
};

/// Channels `range` of the windows times the gradients of one part of the tiles.
template <class T, class TransformA, class TransformG>
void multiply_winograd_part(const WinogradOuterBlocking& blocking, std::int64_t part,
                            const ColumnRange& range, const Im2col& windows,
                            const TransformA& transform_a, const Im2col& gradient_tiles,
                            const TransformG& transform_g, const WinogradOuterScratch& scratch,
                            float* partial, TilePrefetcher& prefetcher) {
  const OuterBlocking& outer = blocking.outer;
  WindowRing<T, TransformA> ring(windows, transform_a, outer.ring, scratch.ring);
  const WindowTarget target = {scratch.windows, outer.a_pitch, kChunk, outer.a_floats};
  const std::int64_t first = outer.first_row(part);
  const std::int64_t last = outer.first_row(part + 1);
  std::int64_t next = 0;
  for (std::int64_t tile = first; tile < last; tile = next) {
    next = std::min(tile + outer.chunk_rows, last);
    transform_gradients<T>(outer, gradient_tiles, transform_g, tile, next, scratch.gradients);
    transform_windows(windows, ring, tile, next, scratch.zeros, target);
    prefetcher.start(next, std::min(next + outer.chunk_rows, last));
    for (std::int64_t f = 0; f < kFrequencies; ++f) {
      multiply_outer<float>(outer, scratch.windows + f * outer.a_floats,
                            scratch.gradients + f * outer.g_floats, next - tile, range.first,
                            range.count(), tile != first, partial + f * outer.partial_floats,
                            prefetcher);
    }
  }
}

/// Writes the partial results of all parts. `matrix` is that of the 3x3 filters; it and the
/// gradient are made of T.
template <class T, class TransformA, class TransformG>
void winograd_outer(ThreadPool& pool, const WinogradOuterBlocking& blocking, const Im2col& matrix,
                    const TransformA& transform_a, const Im2col& gradient,
                    const TransformG& transform_g, ScratchSlots& slots, float* partials) {
  const OuterBlocking& outer = blocking.outer;
  const Im2col all_windows = input_tiles(matrix);
  const Im2col gradient_tiles = result_tiles(gradient);
  pool.parallel_for(outer.tasks(), [&](std::int64_t task) HWY_ATTR {
    const ScratchSlots::Lease lease(slots);
    const WinogradOuterScratch scratch(blocking, lease.data());
    const std::int64_t part = task / outer.column_blocks;
    const std::int64_t first = task % outer.column_blocks * outer.block_columns;
    const std::int64_t last = std::min(first + outer.block_columns, outer.columns);
    const Im2col windows = all_windows.channel_range(first, last - first);
    TouchedRows touched;
    touched.add(gradient_tiles);
    transform_g.add_touched(gradient_tiles, touched);
    touched.add(windows);
    TilePrefetcher prefetcher(touched);
    multiply_winograd_part<T>(blocking, part, ColumnRange(first, last), windows, transform_a,
                              gradient_tiles, transform_g, scratch,
                              partials + part * blocking.partial_floats, prefetcher);
  });
}

/// The taps of `columns` channels from `column` on for one panel of outputs, as
/// [tap][channel][vectors of the panel].
inline void sum_taps(const WinogradOuterBlocking& blocking, const float* partials,
                     std::int64_t output, std::int64_t column, std::int64_t columns, float* taps) {
  const FloatTag d;
  const OuterBlocking& outer = blocking.outer;
  const std::int64_t width = panel_vectors(outer.outputs - output) * kLanes;
  const float* source = partials + output * outer.padded_columns + column * width;
  for (std::int64_t i = 0; i < columns * width; i += kLanes) {
    const Square<4> sums = load_square<4>([&](std::size_t r, std::size_t s) HWY_ATTR {
      const float* from = source + static_cast<std::int64_t>(4 * r + s) * outer.partial_floats + i;
      FloatVec sum = hn::Load(d, from);
      for (std::int64_t part = 1; part < outer.parts; ++part) {
        sum = hn::Add(sum, hn::Load(d, from + part * blocking.partial_floats));
      }
      return sum;
    });
    store_square(transformed<OfFilterGradient>(sums), taps + i, kReduceColumns * kPanel);
  }
}

/// grad_weight[output][tap][channel] (= or +=) the taps of the sums of all parts, in their order.
inline void reduce_winograd_partials(ThreadPool& pool, const WinogradOuterBlocking& blocking,
                                     const float* partials, bool accumulate, float* grad_weight) {
  const OuterBlocking& outer = blocking.outer;
  pool.parallel_for(divide_up(outer.columns, kReduceColumns), [&](std::int64_t task) HWY_ATTR {
    const std::int64_t column = task * kReduceColumns;
    const std::int64_t columns = std::min(kReduceColumns, outer.columns - column);
    alignas(64) float taps[9][kReduceColumns * kPanel];
    for (std::int64_t output = 0; output < outer.outputs; output += kPanel) {
      sum_taps(blocking, partials, output, column, columns, taps[0]);
      const std::int64_t width = panel_vectors(outer.outputs - output) * kLanes;
      const std::int64_t outputs = std::min(width, outer.outputs - output);
      float* target = grad_weight + output * 9 * outer.columns + column;
      for (const float* tap : taps) {
        put_turned(tap, width, columns, outputs, accumulate, target, 9 * outer.columns);
        target += outer.columns;
      }
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
