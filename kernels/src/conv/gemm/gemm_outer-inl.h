// SPDX-License-Identifier: Apache-2.0
// The outer form: both operands are packed by each task.
#if defined(ACCRETE_CPU_GEMM_GEMM_OUTER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_GEMM_OUTER_INL_H_
#undef ACCRETE_CPU_GEMM_GEMM_OUTER_INL_H_
#else
#define ACCRETE_CPU_GEMM_GEMM_OUTER_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "accrete/kernels/thread_pool.h"
#include "conv/gemm/blocking.h"
#include "conv/gemm/im2col.h"
#include "conv/gemm/pack_rows-inl.h"
#include "conv/gemm/prefetch.h"
#include "conv/gemm/tile-inl.h"
#include "conv/gemm/transform-inl.h"
#include "conv/gemm/words-inl.h"
#include "cpu/scratch.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

// Packing for the outer form, whose reduction runs over rows: a row of floats is a row of words,
// two rows of bfloat16 become one row of pairs.

/// Two rows, kMaxLanes * 2 elements behind `count` readable, as `count` pairs. They are written in
/// whole vectors.
HWY_INLINE void interleave(const Bf16* first, const Bf16* second, std::int64_t count,
                           float* target) {
  const HalfTag d;
  for (std::int64_t i = 0; i < count; i += kLanes) {
    store_words(pair_up(hn::LoadU(d, raw(first + i)), hn::LoadU(d, raw(second + i))), target + i);
  }
}

/// Lanes [j, j + kLanes) of a run of `count` channels, zero behind them.
template <class Run>
HWY_INLINE FloatVec load_run(const Run& run, std::int64_t j, std::int64_t count) {
  return j + kLanes <= count ? run.load(j) : run.load_some(j, count - j);
}

/// `count` channels from `column` on of `rows` rows of a plain matrix, one row of words after the
/// other at `target_pitch`, in whole vectors. Returns the end of what was written.
template <class Transform>
float* pack_plain(const float* from, std::int64_t pitch, const Transform& transform,
                  std::int64_t rows, std::int64_t column, std::int64_t count, float* target,
                  std::int64_t target_pitch) {
  for (std::int64_t i = 0; i < rows; ++i, target += target_pitch, from += pitch) {
    const auto run = transform.bind(from, column);
    for (std::int64_t j = 0; j < count; j += kLanes) {
      hn::Store(load_run(run, j, count), FloatTag(), target + j);
    }
  }
  return target;
}
template <class Transform>
float* pack_plain(const Bf16* from, std::int64_t pitch, const Transform& transform,
                  std::int64_t rows, std::int64_t column, std::int64_t count, float* target,
                  std::int64_t target_pitch) {
  for (std::int64_t i = 0; i < rows; i += 2, target += target_pitch, from += 2 * pitch) {
    const bool last = i + 1 == rows;
    const auto first = transform.bind(from, column);
    const auto second = transform.bind(last ? from : from + pitch, column);
    for (std::int64_t j = 0; j < count; j += kLanes) {
      const FloatVec upper = last ? hn::Zero(FloatTag()) : load_run(second, j, count);
      store_words(narrow_pairs(load_run(first, j, count), upper), target + j);
    }
  }
  return target;
}

/// Packs columns of the matrix row by row.
template <class T, class Rows>
class RowPacker {
 public:
  RowPacker(const Im2col& matrix, Rows& source, std::int64_t row, const ColumnRange& range)
      : source_(source), cursor_(matrix, row), range_(range) {}

  void pack_next(T* target) {
    const Window window = cursor_.window();
    source_.prepare(window);
    source_.pack(window, range_, target);
    cursor_.advance();
  }

 private:
  Rows& source_;
  WindowCursor cursor_;
  const ColumnRange& range_;
};

/// pack_outer_block() of a matrix of windows.
template <class T, class Rows>
void pack_windows(const Im2col& matrix, Rows& source, std::int64_t row, std::int64_t last,
                  const ColumnRange& range, float* target, std::int64_t target_pitch, float* pair) {
  RowPacker<T, Rows> packer(matrix, source, row, range);
  for (; row < last; row += kWordElements<T>, target += target_pitch) {
    if constexpr (kWordElements<T> == 1) {
      packer.pack_next(target);
    } else {
      T* const first = reinterpret_cast<T*>(pair);
      T* const second = first + target_pitch;
      packer.pack_next(first);
      if (row + 1 < last) {
        packer.pack_next(second);
      } else {
        zero_run(second, range.count());
      }
      interleave(first, second, range.count(), target);
    }
  }
}

/// Columns `range` of rows [row, last) of the matrix, one row of words after the other at
/// `target_pitch` floats. `pair` is scratch of one such row and kMaxLanes more.
template <class T, class Transform, class Rows>
void pack_outer_block(const Im2col& matrix, const Transform& transform, Rows& source,
                      std::int64_t row, std::int64_t last, const ColumnRange& range, float* target,
                      std::int64_t target_pitch, float* pair) {
  if (matrix.plain()) {
    const T* from = static_cast<const T*>(matrix.data) + row * matrix.pitch + range.c;
    pack_plain(from, matrix.pitch, transform, last - row, range.c, range.count(), target,
               target_pitch);
  } else {
    pack_windows<T>(matrix, source, row, last, range, target, target_pitch, pair);
  }
}

/// Rows [row, last) of a plain matrix as panels: [panel][row of words][vectors of the panel].
template <class T, class Transform>
void pack_panels(const Im2col& matrix, const Transform& transform, std::int64_t row,
                 std::int64_t last, float* target) {
  for (std::int64_t column = 0; column < matrix.channels; column += kPanel) {
    const std::int64_t width = panel_vectors(matrix.channels - column) * kLanes;
    const std::int64_t count = std::min(width, matrix.channels - column);
    const T* from = static_cast<const T*>(matrix.data) + row * matrix.pitch + column;
    target = pack_plain(from, matrix.pitch, transform, last - row, column, count, target, width);
  }
}

// The outer form: partial[columns of A, columns of G] = sum over rows of transform(A)^T * G, for
// the gradient of the weights. A is the im2col matrix, G the matrix of output
// gradients.

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
    multiply_outer<T>(blocking, a, g, divide_up(next - row, kWordElements<T>), range.first,
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
  pool.parallel_for(divide_up(blocking.columns, kReduceColumns), [&](std::int64_t task) HWY_ATTR {
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

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
