// SPDX-License-Identifier: Apache-2.0
// The dot form: result[rows, columns] = transform(im2col matrix) * packed weights, for the forward
// pass and the gradient of the data. A task packs its rows in groups; each group stays in L2 while
// the panels of the weights pass by. Every sum runs over the whole reduction in ascending order.
#if defined(ACCRETE_CPU_GEMM_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_DOT_INL_H_
#undef ACCRETE_CPU_GEMM_DOT_INL_H_
#else
#define ACCRETE_CPU_GEMM_DOT_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "accrete/kernels/thread_pool.h"
#include "cpu/gemm/blocking.h"
#include "cpu/gemm/epilogue-inl.h"
#include "cpu/gemm/im2col.h"
#include "cpu/gemm/pack_rows-inl.h"
#include "cpu/gemm/prefetch.h"
#include "cpu/gemm/tile-inl.h"
#include "cpu/gemm/transform-inl.h"
#include "cpu/scratch_slots.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Rows [first, last) against one panel of the weights.
template <class T, class Epilogue>
void multiply_panel(const DotBlocking& blocking, std::int64_t block, std::int64_t first,
                    std::int64_t last, const float* packed_rows, std::int64_t column,
                    const float* panel, const Epilogue& epilogue, TilePrefetcher& prefetcher) {
  const std::int64_t block_first = blocking.first_row(block);
  const std::int64_t tile_floats = ceil_div(blocking.words, kChunk) * kTileRows * kChunkPitch;
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

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
