// SPDX-License-Identifier: Apache-2.0
// The outer form: partial[columns of A, columns of G] = sum over rows of transform(A)^T * G, for
// the gradient of the weights. A is the im2col matrix, G the matrix of output
// gradients.
#if defined(ACCRETE_CPU_GEMM_OUTER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_OUTER_INL_H_
#undef ACCRETE_CPU_GEMM_OUTER_INL_H_
#else
#define ACCRETE_CPU_GEMM_OUTER_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "accrete/kernels/thread_pool.h"
#include "cpu/gemm/blocking.h"
#include "cpu/gemm/im2col.h"
#include "cpu/gemm/pack_outer-inl.h"
#include "cpu/gemm/prefetch.h"
#include "cpu/gemm/tile-inl.h"
#include "cpu/gemm/transform-inl.h"
#include "cpu/gemm/transpose-inl.h"
#include "cpu/scratch_slots.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Adds `rows` packed rows of words to columns [first, first + columns) of a partial result. A
/// partial is panels [padded_columns][panel width].
template <class T>
void multiply_outer(const OuterBlocking& blocking, const float* a, const float* g,
                    std::int64_t rows, std::int64_t first, std::int64_t columns, bool accumulate,
                    float* partial, TilePrefetcher& prefetcher) {
  for (std::int64_t output = 0; output < blocking.outputs; output += kPanel) {
    const std::int64_t vectors = panel_vectors(blocking.outputs - output);
    const std::int64_t width = vectors * kLanes;
    float* sums = partial + output * blocking.padded_columns + first * width;
    for (std::int64_t column = 0; column < columns; column += kTileRows) {
      const std::int64_t height = std::min(kTileRows, columns - column);
      find_outer_tile<T>(height, vectors)(a + column, blocking.a_pitch, g, rows, accumulate,
                                          sums + column * width, prefetcher.queue());
    }
    g += rows * width;
  }
}

/// Columns `range` of A times the rows of one part, packed chunk by chunk.
template <class T, class TransformA, class Rows, class TransformG>
void multiply_part(const OuterBlocking& blocking, std::int64_t part, const ColumnRange& range,
                   const Im2col& matrix, const TransformA& transform_a, Rows& source,
                   const Im2col& gradient, const TransformG& transform_g, float* scratch,
                   float* partial, TilePrefetcher& prefetcher) {
  const std::int64_t first = blocking.first_row(part);
  const std::int64_t last = blocking.first_row(part + 1);
  float* const g = scratch;
  float* const a = g + blocking.g_floats;
  float* const pair = a + blocking.a_floats;
  std::int64_t next = 0;
  for (std::int64_t row = first; row < last; row = next) {
    next = std::min(row + blocking.chunk_rows, last);
    pack_panels<T>(gradient, transform_g, row, next, g);
    pack_outer_block<T>(matrix, transform_a, source, row, next, range, a, blocking.a_pitch, pair);
    prefetcher.start(next, std::min(next + blocking.chunk_rows, last));
    multiply_outer<T>(blocking, a, g, ceil_div(next - row, kWordElements<T>), range.first,
                      range.count(), row != first, partial, prefetcher);
  }
}

/// Writes the partial results of all parts. T: what both matrices are made of.
template <class T, class TransformA, class TransformG>
void gemm_outer(ThreadPool& pool, const OuterBlocking& blocking, const Im2col& matrix,
                const TransformA& transform_a, const Im2col& gradient,
                const TransformG& transform_g, ScratchSlots& slots, float* partials) {
  TouchedRows touched;
  touched.add(gradient);
  transform_g.add_touched(gradient, touched);
  touched.add(matrix);
  transform_a.add_touched(matrix, touched);
  pool.parallel_for(blocking.tasks(), [&](std::int64_t task) HWY_ATTR {
    const ScratchSlots::Lease scratch(slots);
    const std::int64_t part = task / blocking.column_blocks;
    const std::int64_t column = task % blocking.column_blocks * blocking.block_columns;
    const ColumnRange range(matrix, column,
                            std::min(column + blocking.block_columns, blocking.columns));
    TilePrefetcher prefetcher(touched);
    float* const ring =
        scratch.data() + blocking.g_floats + blocking.a_floats + blocking.pair_floats;
    with_rows<T>(matrix, transform_a, blocking.ring, ring, [&](auto& source) HWY_ATTR {
      multiply_part<T>(blocking, part, range, matrix, transform_a, source, gradient, transform_g,
                       scratch.data(), partials + part * blocking.partial_floats, prefetcher);
    });
  });
}

/// Columns summed and transposed at a time.
constexpr std::int64_t kReduceColumns = 32;

/// target[output][column] (= or +=) sums[column][output] for `columns` <= kReduceColumns columns;
/// the sums are `width` wide.
inline void put_turned(const float* sums, std::int64_t width, std::int64_t columns,
                       std::int64_t outputs, bool accumulate, float* target,
                       std::int64_t target_pitch) {
  const FloatTag d;
  alignas(64) float turned[kPanel * kReduceColumns];
  transpose(sums, width, columns, outputs, turned, kReduceColumns);
  for (std::int64_t k = 0; k < outputs; ++k, target += target_pitch) {
    const float* from = turned + k * kReduceColumns;
    for (std::int64_t j = 0; j < columns; j += kLanes) {
      const std::int64_t count = columns - j;
      FloatVec value = hn::Load(d, from + j);
      if (count >= kLanes) {
        value = accumulate ? hn::Add(value, load_lanes(target + j)) : value;
        store_lanes(value, target + j);
      } else {
        value = accumulate ? hn::Add(value, load_some(target + j, count)) : value;
        store_some(value, target + j, count);
      }
    }
  }
}

/// Sums `count` floats of the partial results, in the order of the parts.
inline void sum_partials(const OuterBlocking& blocking, const float* source, std::int64_t count,
                         float* sums) {
  const FloatTag d;
  for (std::int64_t i = 0; i < count; i += kLanes) {
    FloatVec sum = hn::Load(d, source + i);
    for (std::int64_t part = 1; part < blocking.parts; ++part) {
      sum = hn::Add(sum, hn::Load(d, source + part * blocking.partial_floats + i));
    }
    hn::Store(sum, d, sums + i);
  }
}

/// out[output, column] (= or +=) sum of the partial results, in the order of the parts.
inline void reduce_partials(ThreadPool& pool, const OuterBlocking& blocking, const float* partials,
                            bool accumulate, float* out) {
  pool.parallel_for(ceil_div(blocking.columns, kReduceColumns), [&](std::int64_t task) HWY_ATTR {
    const std::int64_t column = task * kReduceColumns;
    const std::int64_t columns = std::min(kReduceColumns, blocking.columns - column);
    alignas(64) float sums[kReduceColumns * kPanel];
    for (std::int64_t output = 0; output < blocking.outputs; output += kPanel) {
      const std::int64_t width = panel_vectors(blocking.outputs - output) * kLanes;
      sum_partials(blocking, partials + output * blocking.padded_columns + column * width,
                   columns * width, sums);
      put_turned(sums, width, columns, std::min(width, blocking.outputs - output), accumulate,
                 out + output * blocking.columns + column, blocking.columns);
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
