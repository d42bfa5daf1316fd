// SPDX-License-Identifier: Apache-2.0
// How products cut their work. Everything here depends on the problem alone, never on the pool or
// the instruction set, so that results and workspace sizes do not either.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "accrete/kernels/problem.h"
#include "accrete/kernels/tensor_view.h"
#include "conv/gemm/im2col.h"
#include "conv/winograd/tiles.h"
#include "cpu/element.h"

namespace accrete::kernels::cpu {

// Sizes that all instruction sets share, so that workspaces and results' order do not depend on
// the one in use.

/// Row granularity of tasks: the tallest tile of any instruction set.
constexpr std::int64_t kRowUnit = 14;
/// Common multiple of the tile heights (14 and 6) in use, the granularity of column blocks.
constexpr std::int64_t kColumnUnit = 42;
/// Packed rows of the dot form come in chunks of this many floats, at a pitch known at compile
/// time: the tiles address all rows of a chunk from one register. An odd number of cache lines.
constexpr std::int64_t kChunk = 256;
constexpr std::int64_t kChunkPitch = kChunk + kMaxLanes;

// Size of the ring of source lines that a task keeps while it packs a matrix (line_ring-inl.h).

struct LineRingSize {
  std::int64_t lines = 0;        ///< a power of two; 0: the matrix is packed without a ring
  std::int64_t line_floats = 0;  ///< words of a line: padding included, and slack for vectors

  std::int64_t floats() const { return lines * line_floats; }
};

/// The ring holds every line that the windows of `rows` neighbouring rows read. A matrix of
/// single taps, or of none, reads no pixel twice: it needs no ring.
inline LineRingSize line_ring_size(const Im2col& matrix, std::int64_t rows) {
  LineRingSize size;
  if (matrix.filter_h * matrix.filter_w <= 1) {
    return size;
  }
  // The rows begin at most this many new lines of output, each this many lines of input below the
  // one before; from one image to the next it may be more than the stride.
  const std::int64_t changes = divide_up(rows - 1, matrix.out_w);
  const std::int64_t step =
      std::max(matrix.stride_h, matrix.height - (matrix.out_h - 1) * matrix.stride_h);
  const std::int64_t wanted = changes * step + matrix.filter_h;
  for (size.lines = 1; size.lines < wanted; size.lines *= 2) {
  }
  const std::int64_t width = (matrix.out_w - 1) * matrix.stride_w + matrix.filter_w;
  const std::int64_t words = divide_up(width * matrix.channels, matrix.word_elements());
  size.line_floats = round_up(words, kMaxLanes) + kMaxLanes;
  return size;
}

// How the two GEMM forms cut their work.

/// out[rows, columns] = A[rows, reduction] * B[reduction, columns], A packed on the fly.
struct DotBlocking {
  std::int64_t rows = 0;
  std::int64_t reduction = 0;
  std::int64_t words = 0;  ///< of the reduction, packed
  std::int64_t columns = 0;
  std::int64_t row_units = 0;      ///< ceil(rows / kRowUnit)
  std::int64_t blocks = 0;         ///< tasks, each a range of rows
  std::int64_t group_rows = 0;     ///< rows packed at a time
  LineRingSize ring;               ///< of a task
  std::int64_t packed_floats = 0;  ///< one group of packed rows
  std::int64_t slot_floats = 0;    ///< scratch of one task: packed rows and ring
  std::int64_t weight_floats = 0;  ///< packed B

  std::int64_t first_row(std::int64_t block) const {
    const std::int64_t row = block * row_units / blocks * kRowUnit;
    return row < rows ? row : rows;
  }
  std::int64_t pixels(std::int64_t block) const { return first_row(block + 1) - first_row(block); }
  std::size_t workspace_bytes() const;
};

/// A is `matrix`, whose data need not exist yet.
DotBlocking dot_blocking(const Im2col& matrix, std::int64_t columns);

/// out[columns of A, columns of G] = A[rows, :]^T * G[rows, :], both packed on the fly. Tasks are
/// (part of the rows) x (block of A's columns). Each part sums into a partial result of its own;
/// a second pass adds the partials in order.
struct OuterBlocking {
  std::int64_t rows = 0;
  std::int64_t columns = 0;  ///< of A
  std::int64_t outputs = 0;  ///< columns of G
  std::int64_t parts = 0;
  std::int64_t column_blocks = 0;
  std::int64_t block_columns = 0;  ///< columns per block, a multiple of kColumnUnit
  std::int64_t chunk_rows = 0;     ///< rows packed at a time, whole words
  std::int64_t a_pitch = 0;        ///< of packed A: an odd number of cache lines
  std::int64_t g_floats = 0;       ///< packed G of one chunk
  std::int64_t a_floats = 0;       ///< packed A of one chunk
  std::int64_t pair_floats = 0;    ///< two rows of windows on their way to become pairs
  LineRingSize ring;               ///< of a task
  std::int64_t slot_floats = 0;    ///< scratch of one task: packed G and A, pair of rows, ring
  std::int64_t padded_columns = 0;
  std::int64_t partial_floats = 0;  ///< one partial result

  std::int64_t first_row(std::int64_t part) const { return part * rows / parts; }
  std::int64_t tasks() const { return parts * column_blocks; }
  std::size_t workspace_bytes() const;
};

/// A is `matrix`, whose data need not exist yet.
OuterBlocking outer_blocking(const Im2col& matrix, std::int64_t outputs);

// How products by Winograd's algorithm cut their work.

/// A product in the dot form: a task takes a range of tiles, in groups as tall as a register tile.
struct WinogradDotBlocking {
  WinogradTiles tiles;
  std::int64_t reduction = 0;  ///< over channels
  std::int64_t columns = 0;
  std::int64_t tile_units = 0;  ///< ceil(tiles / kRowUnit)
  std::int64_t blocks = 0;      ///< tasks
  std::int64_t frequency_floats =
      0;                            ///< weights of one frequency, packed like those of the dot form
  std::int64_t window_floats = 0;   ///< scratch: the transformed windows of a group
  std::int64_t product_floats = 0;  ///< scratch: products of a group with a panel, then results
  std::int64_t zero_floats = 0;     ///< scratch: a line of zeros
  LineRingSize ring;
  std::int64_t slot_floats = 0;

  std::int64_t first_tile(std::int64_t block) const {
    const std::int64_t tile = block * tile_units / blocks * kRowUnit;
    return std::min(tile, tiles.count());
  }
  /// Pixels of the result that a block covers.
  std::int64_t pixels(std::int64_t block) const {
    return tiles.pixels_before(first_tile(block + 1)) - tiles.pixels_before(first_tile(block));
  }
  std::int64_t weight_floats() const { return kFrequencies * frequency_floats; }
  std::size_t workspace_bytes() const;
};

/// A is `matrix`, of 3x3 filters; its data need not exist yet. Packed operands are floats.
WinogradDotBlocking winograd_dot_blocking(const Im2col& matrix, std::int64_t columns);

/// The gradient of the weights. For each frequency the outer form, whose rows are tiles: tasks are
/// (part of the tiles) x (block of channels).
struct WinogradOuterBlocking {
  OuterBlocking outer;               ///< of one frequency
  std::int64_t partial_floats = 0;   ///< of all frequencies
  std::int64_t window_floats = 0;    ///< scratch: the transformed windows of a chunk
  std::int64_t gradient_floats = 0;  ///< scratch: the transformed gradients of a chunk
  std::int64_t zero_floats = 0;      ///< scratch: a line of zeros
  std::int64_t slot_floats = 0;

  std::size_t workspace_bytes() const;
};

/// A is `matrix`, of 3x3 filters; its data need not exist yet.
WinogradOuterBlocking winograd_outer_blocking(const Im2col& matrix, std::int64_t outputs);

// What a forward pass or a gradient of the data needs, by whichever algorithm it runs.

struct DotSizes {
  std::size_t workspace_bytes = 0;  ///< of a call without optional parts
  std::int64_t blocks = 0;  ///< tasks, each with partial sums of its own where there are parts
};

/// Of `matrix` times weights of `columns` columns; the matrix's data need not exist yet.
DotSizes dot_sizes(const Im2col& matrix, std::int64_t columns);

/// Of the gradient of the data of a strided convolution: a workspace that suits each phase in turn,
/// the blocks of all.
DotSizes strided_dgrad_sizes(const ConvProblem& problem, DType dtype);

}  // namespace accrete::kernels::cpu
