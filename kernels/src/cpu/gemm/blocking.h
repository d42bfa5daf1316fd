// SPDX-License-Identifier: Apache-2.0
// How the two GEMM forms cut their work. Everything here depends on the problem alone, never on
// the pool or the instruction set, so that results and workspace sizes do not either.
#pragma once

#include <cstddef>
#include <cstdint>

namespace accrete::kernels::cpu {

/// Row granularity of tasks: the tallest tile of any instruction set.
constexpr std::int64_t kRowUnit = 14;
/// Common multiple of the tile heights (14 and 6) in use, the granularity of column blocks.
constexpr std::int64_t kColumnUnit = 42;
/// Column granularity of packed operands: the widest vector in floats. Also the slack behind a
/// packed row, so that whole vectors may be stored at its end.
constexpr std::int64_t kMaxLanes = 16;
/// Packed rows of the dot form come in chunks of this many floats, at a pitch known at compile
/// time: the tiles address all rows of a chunk from one register. An odd number of cache lines.
constexpr std::int64_t kChunk = 256;
constexpr std::int64_t kChunkPitch = kChunk + kMaxLanes;

inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}
inline std::int64_t round_up(std::int64_t a, std::int64_t b) {
  return ceil_div(a, b) * b;
}

/// out[rows, columns] = A[rows, reduction] * B[reduction, columns], A packed on the fly.
struct DotBlocking {
  std::int64_t rows = 0;
  std::int64_t reduction = 0;
  std::int64_t columns = 0;
  std::int64_t row_units = 0;      ///< ceil(rows / kRowUnit)
  std::int64_t blocks = 0;         ///< tasks, each a range of rows
  std::int64_t group_rows = 0;     ///< rows packed at a time
  std::int64_t slot_floats = 0;    ///< scratch of one task: one group of packed rows
  std::int64_t weight_floats = 0;  ///< packed B

  std::int64_t first_row(std::int64_t block) const {
    const std::int64_t row = block * row_units / blocks * kRowUnit;
    return row < rows ? row : rows;
  }
  std::size_t workspace_bytes() const;
};

DotBlocking dot_blocking(std::int64_t rows, std::int64_t reduction, std::int64_t columns);

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
  std::int64_t chunk_rows = 0;     ///< rows packed at a time
  std::int64_t a_pitch = 0;        ///< of packed A: an odd number of cache lines
  std::int64_t g_floats = 0;       ///< packed G of one chunk
  std::int64_t slot_floats = 0;    ///< scratch of one task: packed A and G
  std::int64_t padded_columns = 0;
  std::int64_t partial_floats = 0;  ///< one partial result

  std::int64_t first_row(std::int64_t part) const { return part * rows / parts; }
  std::int64_t tasks() const { return parts * column_blocks; }
  std::size_t workspace_bytes() const;
};

OuterBlocking outer_blocking(std::int64_t rows, std::int64_t columns, std::int64_t outputs);

}  // namespace accrete::kernels::cpu
