// SPDX-License-Identifier: Apache-2.0
#include "cpu/gemm/blocking.h"

#include <algorithm>

#include "cpu/scratch_slots.h"

namespace accrete::kernels::cpu {
namespace {

// Weights up to this size stay in L2 next to one tile of packed rows. Beyond it they stream from
// L3, and each pass over them should serve as many packed rows as fit.
constexpr std::int64_t kResidentWeightBytes = 640 << 10;
constexpr std::int64_t kPackedRowsBytes = 192 << 10;
constexpr std::int64_t kDotTasks = 64;
constexpr std::int64_t kOuterSlotBytes = 320 << 10;
constexpr std::int64_t kOuterTasks = 8;
constexpr std::int64_t kOuterBlockColumns = 18 * kColumnUnit;
constexpr std::int64_t kPartRows = 512;
constexpr std::int64_t kMaxParts = 16;
constexpr std::int64_t kMaxPartialBytes = 48 << 20;
constexpr std::int64_t kMinChunkWords = 32;
constexpr std::int64_t kMaxChunkWords = 256;
constexpr std::int64_t kRingTaps = 3;

}  // namespace

DotBlocking dot_blocking(const Im2col& matrix, std::int64_t columns) {
  DotBlocking b;
  const std::int64_t rows = matrix.rows();
  const std::int64_t reduction = matrix.columns();
  b.rows = rows;
  b.reduction = reduction;
  b.words = ceil_div(reduction, matrix.word_elements());
  b.columns = columns;
  b.row_units = ceil_div(rows, kRowUnit);
  const std::int64_t unit_floats = ceil_div(b.words, kChunk) * kRowUnit * kChunkPitch;
  b.blocks = std::min(b.row_units, kDotTasks);
  b.weight_floats = b.words * round_up(columns, kMaxLanes);
  std::int64_t group = 1;
  if (b.weight_floats * std::int64_t{sizeof(float)} > kResidentWeightBytes) {
    const std::int64_t fitting = kPackedRowsBytes / (unit_floats * std::int64_t{sizeof(float)});
    group = std::clamp<std::int64_t>(fitting, 1, ceil_div(b.row_units, b.blocks));
  }
  b.group_rows = group * kRowUnit;
  // A shorter tile may need one tile more than the units it covers.
  b.packed_floats = (group + 1) * unit_floats;
  b.ring = line_ring_size(matrix, kRowUnit);
  b.slot_floats = b.packed_floats + b.ring.floats();
  return b;
}

std::size_t DotBlocking::workspace_bytes() const {
  return float_bytes(weight_floats + scratch_slot_count(blocks) * slot_floats);
}

OuterBlocking outer_blocking(const Im2col& matrix, std::int64_t outputs) {
  OuterBlocking b;
  const std::int64_t rows = matrix.rows();
  const std::int64_t columns = matrix.columns();
  b.rows = rows;
  b.columns = columns;
  b.outputs = outputs;
  b.padded_columns = round_up(columns, kColumnUnit);
  const std::int64_t padded_outputs = round_up(outputs, kMaxLanes);
  b.partial_floats = b.padded_columns * padded_outputs;
  const std::int64_t affordable =
      kMaxPartialBytes / (b.partial_floats * std::int64_t{sizeof(float)});
  b.parts = std::clamp<std::int64_t>(std::min(rows / kPartRows, affordable), 1, kMaxParts);
  const std::int64_t wanted =
      std::max(ceil_div(columns, kOuterBlockColumns), ceil_div(kOuterTasks, b.parts));
  b.block_columns = round_up(ceil_div(columns, wanted), kColumnUnit);
  b.column_blocks = ceil_div(columns, b.block_columns);
  b.a_pitch = (round_up(b.block_columns, kMaxLanes) + kMaxLanes) | kMaxLanes;
  const std::int64_t row_bytes = (b.a_pitch + padded_outputs) * std::int64_t{sizeof(float)};
  const std::int64_t word_rows = matrix.word_elements();
  const std::int64_t chunk_words =
      std::min(std::clamp(kOuterSlotBytes / row_bytes, kMinChunkWords, kMaxChunkWords),
               ceil_div(ceil_div(rows, b.parts), word_rows));
  b.chunk_rows = chunk_words * word_rows;
  b.g_floats = chunk_words * padded_outputs;
  b.a_floats = chunk_words * b.a_pitch;
  b.pair_floats = word_rows > 1 && !matrix.plain() ? b.a_pitch + kMaxLanes : 0;
  // A block of few taps reads few pixels more than once, but a ring would take them all.
  if (b.block_columns >= kRingTaps * matrix.channels) {
    b.ring = line_ring_size(matrix, 1);
  }
  b.slot_floats = b.g_floats + b.a_floats + b.pair_floats + b.ring.floats();
  return b;
}

std::size_t OuterBlocking::workspace_bytes() const {
  return float_bytes(parts * partial_floats + scratch_slot_count(tasks()) * slot_floats);
}

}  // namespace accrete::kernels::cpu
