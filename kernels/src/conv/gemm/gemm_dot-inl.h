// SPDX-License-Identifier: Apache-2.0
// The dot form: weights are packed once, rows of activations by each task.
#if defined(ACCRETE_CPU_GEMM_GEMM_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_GEMM_DOT_INL_H_
#undef ACCRETE_CPU_GEMM_GEMM_DOT_INL_H_
#else
#define ACCRETE_CPU_GEMM_GEMM_DOT_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "accrete/kernels/problem.h"
#include "accrete/kernels/thread_pool.h"
#include "conv/gemm/blocking.h"
#include "conv/gemm/epilogue-inl.h"
#include "conv/gemm/im2col.h"
#include "conv/gemm/pack_rows-inl.h"
#include "conv/gemm/prefetch.h"
#include "conv/gemm/tile-inl.h"
#include "conv/gemm/transform-inl.h"
#include "conv/gemm/words-inl.h"
#include "cpu/scratch.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

// Packing of weights into the right operand of the dot form: panels [word][panel width], in
// full vectors, zero behind the last column. Cut into strips of the reduction, one task each.

constexpr std::int64_t kPackStrip = 256;  // rows of words per task

/// Zeroes columns [count, width) of `rows` rows of a panel.
inline void zero_behind(float* panel, std::int64_t rows, std::int64_t width, std::int64_t count) {
  for (std::int64_t i = 0; count < width && i < rows; ++i) {
    std::fill(panel + i * width + count, panel + (i + 1) * width, 0.0F);
  }
}

/// Whether the rows of the weights, R*S*C elements each, are whole words in memory.
template <class T>
bool rows_are_words(const T* weight, std::int64_t reduction) {
  return reduction % kWordElements<T> == 0 &&
         reinterpret_cast<std::uintptr_t>(weight) % sizeof(float) == 0;
}

/// One word at a time: `count` elements of each of `outputs` rows of the weights, which start at
/// `weight` and are `pitch` apart.
inline void turn_pairs(const Bf16* weight, std::int64_t pitch, std::int64_t outputs,
                       std::int64_t count, float* target, std::int64_t target_pitch) {
  for (std::int64_t i = 0; i < count; i += 2, target += target_pitch) {
    for (std::int64_t k = 0; k < outputs; ++k) {
      const Bf16* from = weight + k * pitch + i;
      const Bf16 pair[2] = {from[0], i + 1 < count ? from[1] : Bf16{}};
      std::memcpy(target + k, pair, sizeof(pair));
    }
  }
}

/// Rows [first, last) of words of B[(r,s,c)][k] = weight[k][(r,s,c)].
template <class T>
void pack_forward_strip(const T* weight, const DotBlocking& blocking, std::int64_t first,
                        std::int64_t last, float* packed) {
  const bool words = rows_are_words(weight, blocking.reduction);
  for (std::int64_t column = 0; column < blocking.columns; column += kPanel) {
    const std::int64_t width = panel_vectors(blocking.columns - column) * kLanes;
    const std::int64_t count = std::min(width, blocking.columns - column);
    float* target = packed + column * blocking.words + first * width;
    if (words) {
      // Bits in the order they have: a pair is moved like a float.
      transpose(reinterpret_cast<const float*>(weight) + column * blocking.words + first,
                blocking.words, count, last - first, target, width);
    } else if constexpr (kWordElements<T> > 1) {
      const std::int64_t element = first * kWordElements<T>;
      turn_pairs(weight + column * blocking.reduction + element, blocking.reduction, count,
                 std::min(last * kWordElements<T>, blocking.reduction) - element, target, width);
    }
    zero_behind(target, last - first, width, count);
  }
}

/// The taps of a phase, turned.
struct TurnedFilter {
  const ConvProblem& problem;
  const StridePhase& phase;

  /// Row (r,s,k), all channels of the weights; null behind the last.
  template <class T>
  const T* row(const T* weight, std::int64_t row) const {
    const std::int64_t tap = row / problem.K;
    if (tap >= phase.h.taps * phase.w.taps) {
      return nullptr;
    }
    const std::int64_t r = phase.h.filter_tap(tap / phase.w.taps);
    const std::int64_t s = phase.w.filter_tap(tap % phase.w.taps);
    return weight + ((row % problem.K * problem.R + r) * problem.S + s) * problem.C;
  }
};

/// One row of words of a panel: channels [column, column + width) of row `row` of the turned
/// filter, with those of the row after it where a word holds two. Zero behind the last channel.
inline void pack_turned_row(const float* weight, const TurnedFilter& filter, std::int64_t row,
                            std::int64_t column, std::int64_t width, float* target) {
  const float* source = filter.row(weight, row) + column;
  for (std::int64_t j = 0; j < width; j += kLanes) {
    const std::int64_t count = filter.problem.C - column - j;
    hn::Store(count >= kLanes ? load_lanes(source + j) : load_some(source + j, count), FloatTag(),
              target + j);
  }
}
HWY_INLINE HalfVec load_halves(const Bf16* source, std::int64_t count) {
  if (source == nullptr) {
    return hn::Zero(HalfTag());
  }
  return count >= kLanes ? hn::LoadU(HalfTag(), bits_of(source)) : load_some_halves(source, count);
}
inline void pack_turned_row(const Bf16* weight, const TurnedFilter& filter, std::int64_t row,
                            std::int64_t column, std::int64_t width, float* target) {
  const Bf16* first = filter.row(weight, 2 * row);
  const Bf16* second = filter.row(weight, 2 * row + 1);
  for (std::int64_t j = column; j < column + width; j += kLanes, target += kLanes) {
    const std::int64_t count = filter.problem.C - j;
    store_words(pair_up(load_halves(first + j, count),
                        load_halves(second == nullptr ? nullptr : second + j, count)),
                target);
  }
}

/// Rows [first, last) of words of B[(r,s,k)][c], the turned filter.
template <class T>
void pack_turned_strip(const T* weight, const TurnedFilter& filter, const DotBlocking& blocking,
                       std::int64_t first, std::int64_t last, float* packed) {
  for (std::int64_t column = 0; column < filter.problem.C; column += kPanel) {
    const std::int64_t width = panel_vectors(filter.problem.C - column) * kLanes;
    float* target = packed + column * blocking.words + first * width;
    for (std::int64_t row = first; row < last; ++row, target += width) {
      pack_turned_row(weight, filter, row, column, width, target);
    }
  }
}

template <class T>
void pack_forward_weights(ThreadPool& pool, const T* weight, const DotBlocking& blocking,
                          float* packed) {
  pool.parallel_for(divide_up(blocking.words, kPackStrip), [&](std::int64_t strip) HWY_ATTR {
    const std::int64_t first = strip * kPackStrip;
    pack_forward_strip(weight, blocking, first, std::min(first + kPackStrip, blocking.words),
                       packed);
  });
}

template <class T>
void pack_turned_weights(ThreadPool& pool, const T* weight, const ConvProblem& problem,
                         const StridePhase& phase, const DotBlocking& blocking, float* packed) {
  const TurnedFilter filter{problem, phase};
  pool.parallel_for(divide_up(blocking.words, kPackStrip), [&](std::int64_t strip) HWY_ATTR {
    const std::int64_t first = strip * kPackStrip;
    pack_turned_strip(weight, filter, blocking, first, std::min(first + kPackStrip, blocking.words),
                      packed);
  });
}

// The dot form: result[rows, columns] = transform(im2col matrix) * packed weights, for the forward
// pass and the gradient of the data. A task packs its rows in groups; each group stays in L2 while
// the panels of the weights pass by. Every sum runs over the whole reduction in ascending order.

/// Rows [first, last) against one panel of the weights.
template <class T, class Epilogue>
void multiply_panel(const DotBlocking& blocking, std::int64_t block, std::int64_t first,
                    std::int64_t last, const float* packed_rows, std::int64_t column,
                    const float* panel, const Epilogue& epilogue, TilePrefetcher& prefetcher) {
  const std::int64_t block_first = blocking.first_row(block);
  const std::int64_t tile_floats = divide_up(blocking.words, kChunk) * kTileRows * kChunkPitch;
  const std::int64_t vectors = panel_vectors(blocking.columns - column);
  const std::int64_t columns = std::min(vectors * kLanes, blocking.columns - column);
  alignas(64) float values[kTileRows * kPanel];
  for (std::int64_t row = first; row < last; row += kTileRows) {
    const std::int64_t rows = std::min(kTileRows, last - row);
    find_dot_tile<T>(rows, vectors)(packed_rows, panel, blocking.words, values, prefetcher.queue());
    epilogue(
        TileResult{values, vectors * kLanes, block, row - block_first, row, rows, column, columns});
    packed_rows += tile_floats;
  }
}

/// All rows of one block, packed group by group.
template <class T, class Rows, class Epilogue>
void multiply_block(const DotBlocking& blocking, std::int64_t block, const Im2col& matrix,
                    Rows& source, float* packed_rows, const float* packed_weights,
                    const Epilogue& epilogue, TilePrefetcher& prefetcher) {
  const std::int64_t block_end = blocking.first_row(block + 1);
  std::int64_t next = 0;
  for (std::int64_t row = blocking.first_row(block); row < block_end; row = next) {
    next = std::min(row + blocking.group_rows, block_end);
    pack_dot_rows<T>(matrix, source, row, next, packed_rows);
    prefetcher.start(next, std::min(next + blocking.group_rows, block_end));
    for (std::int64_t column = 0; column < blocking.columns; column += kPanel) {
      multiply_panel<T>(blocking, block, row, next, packed_rows, column,
                        packed_weights + column * blocking.words, epilogue, prefetcher);
    }
  }
  epilogue.finish(block);
}

/// T: what the matrix is made of.
template <class T, class Transform, class Epilogue>
void gemm_dot(ThreadPool& pool, const DotBlocking& blocking, const Im2col& matrix,
              const Transform& transform, const float* packed_weights, ScratchSlots& slots,
              const Epilogue& epilogue) {
  TouchedRows touched;
  touched.add(matrix);
  transform.add_touched(matrix, touched);
  epilogue.add_touched(touched);
  pool.parallel_for(blocking.blocks, [&](std::int64_t block) HWY_ATTR {
    const ScratchSlots::Lease scratch(slots);
    TilePrefetcher prefetcher(touched);
    float* const ring = scratch.data() + blocking.packed_floats;
    with_rows<T>(matrix, transform, blocking.ring, ring, [&](auto& source) HWY_ATTR {
      multiply_block<T>(blocking, block, matrix, source, scratch.data(), packed_weights, epilogue,
                        prefetcher);
    });
  });
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
