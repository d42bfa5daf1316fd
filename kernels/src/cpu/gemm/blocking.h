// SPDX-License-Identifier: Apache-2.0
// How the two GEMM forms cut their work. Everything here depends on the problem alone, never on
// the pool or the instruction set, so that results and workspace sizes do not either.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/gemm/line_ring.h"
#include "cpu/gemm/tile_sizes.h"

namespace accrete::kernels::cpu {

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

}  // namespace accrete::kernels::cpu
