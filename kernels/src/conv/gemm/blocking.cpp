// SPDX-License-Identifier: Apache-2.0
#include "conv/gemm/blocking.h"

#include <algorithm>

#include "conv/gemm/im2col.h"
#include "cpu/scratch.h"

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

// By Winograd.
constexpr std::int64_t kPanelLanes = 2 * kMaxLanes;  // the widest panel
// Sums, windows and gradients of a task share the L2 cache.
constexpr std::int64_t kBlockChannels = 2 * kColumnUnit;
constexpr std::int64_t kChunkTiles = 32;
constexpr std::int64_t kPartTiles = 192;

}  // namespace

DotBlocking dot_blocking(const Im2col& matrix, std::int64_t columns) {
  DotBlocking b;
  const std::int64_t rows = matrix.rows();
  const std::int64_t reduction = matrix.columns();
  b.rows = rows;
  b.reduction = reduction;
  b.words = divide_up(reduction, matrix.word_elements());
  b.columns = columns;
  b.row_units = divide_up(rows, kRowUnit);
  const std::int64_t unit_floats = divide_up(b.words, kChunk) * kRowUnit * kChunkPitch;
  b.blocks = std::min(b.row_units, kDotTasks);
  b.weight_floats = b.words * round_up(columns, kMaxLanes);
  std::int64_t group = 1;
  if (b.weight_floats * std::int64_t{sizeof(float)} > kResidentWeightBytes) {
    const std::int64_t fitting = kPackedRowsBytes / (unit_floats * std::int64_t{sizeof(float)});
    group = std::clamp<std::int64_t>(fitting, 1, divide_up(b.row_units, b.blocks));
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
      std::max(divide_up(columns, kOuterBlockColumns), divide_up(kOuterTasks, b.parts));
  b.block_columns = round_up(divide_up(columns, wanted), kColumnUnit);
  b.column_blocks = divide_up(columns, b.block_columns);
  b.a_pitch = (round_up(b.block_columns, kMaxLanes) + kMaxLanes) | kMaxLanes;
  const std::int64_t row_bytes = (b.a_pitch + padded_outputs) * std::int64_t{sizeof(float)};
  const std::int64_t word_rows = matrix.word_elements();
  const std::int64_t chunk_words =
      std::min(std::clamp(kOuterSlotBytes / row_bytes, kMinChunkWords, kMaxChunkWords),
               divide_up(divide_up(rows, b.parts), word_rows));
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

namespace {

// A ring of floats, whatever the source is made of, for one window at a time.
LineRingSize float_ring_size(Im2col windows) {
  windows.element_bytes = sizeof(float);
  return line_ring_size(windows, 1);
}

// Four pixels of one line and slack for whole vectors.
std::int64_t zero_line_floats(std::int64_t channels) {
  return round_up(4 * channels, kMaxLanes) + kMaxLanes;
}

}  // namespace

WinogradDotBlocking winograd_dot_blocking(const Im2col& matrix, std::int64_t columns) {
  WinogradDotBlocking b;
  b.tiles = winograd_tiles(matrix);
  b.reduction = matrix.channels;
  b.columns = columns;
  b.tile_units = divide_up(b.tiles.count(), kRowUnit);
  b.blocks = std::min(b.tile_units, kDotTasks);
  b.frequency_floats = b.reduction * round_up(columns, kMaxLanes);
  b.window_floats = kFrequencies * divide_up(b.reduction, kChunk) * kRowUnit * kChunkPitch;
  b.product_floats = (kFrequencies + 4) * kRowUnit * kPanelLanes;
  b.zero_floats = zero_line_floats(matrix.channels);
  b.ring = float_ring_size(input_tiles(matrix));
  b.slot_floats = b.window_floats + b.product_floats + b.zero_floats + b.ring.floats();
  return b;
}

std::size_t WinogradDotBlocking::workspace_bytes() const {
  return float_bytes(weight_floats() + scratch_slot_count(blocks) * slot_floats);
}

WinogradOuterBlocking winograd_outer_blocking(const Im2col& matrix, std::int64_t outputs) {
  WinogradOuterBlocking b;
  OuterBlocking& outer = b.outer;
  outer.rows = winograd_tiles(matrix).count();
  outer.columns = matrix.channels;
  outer.outputs = outputs;
  outer.padded_columns = round_up(outer.columns, kColumnUnit);
  const std::int64_t padded_outputs = round_up(outputs, kMaxLanes);
  outer.partial_floats = outer.padded_columns * padded_outputs;
  b.partial_floats = kFrequencies * outer.partial_floats;
  const std::int64_t affordable =
      kMaxPartialBytes / (b.partial_floats * std::int64_t{sizeof(float)});
  outer.parts =
      std::clamp<std::int64_t>(std::min(outer.rows / kPartTiles, affordable), 1, kMaxParts);
  const std::int64_t blocks = divide_up(outer.columns, kBlockChannels);
  outer.block_columns = round_up(divide_up(outer.columns, blocks), kColumnUnit);
  outer.column_blocks = divide_up(outer.columns, outer.block_columns);
  outer.a_pitch = (round_up(outer.block_columns, kMaxLanes) + kMaxLanes) | kMaxLanes;
  outer.chunk_rows = std::min(kChunkTiles, divide_up(outer.rows, outer.parts));
  outer.a_floats = outer.chunk_rows * outer.a_pitch;
  outer.g_floats = outer.chunk_rows * padded_outputs;
  Im2col block = input_tiles(matrix);
  block.channels = std::min(outer.block_columns, outer.columns);
  outer.ring = float_ring_size(block);
  b.window_floats = kFrequencies * outer.a_floats;
  b.gradient_floats = kFrequencies * outer.g_floats;
  b.zero_floats = zero_line_floats(block.channels);
  b.slot_floats = b.window_floats + b.gradient_floats + b.zero_floats + outer.ring.floats();
  return b;
}

std::size_t WinogradOuterBlocking::workspace_bytes() const {
  return float_bytes(outer.parts * partial_floats +
                     scratch_slot_count(outer.tasks()) * slot_floats);
}

DotSizes dot_sizes(const Im2col& matrix, std::int64_t columns) {
  if (winograd_pays(matrix, columns)) {
    const WinogradDotBlocking blocking = winograd_dot_blocking(matrix, columns);
    return {blocking.workspace_bytes(), blocking.blocks};
  }
  const DotBlocking blocking = dot_blocking(matrix, columns);
  return {blocking.workspace_bytes(), blocking.blocks};
}

DotSizes strided_dgrad_sizes(const ConvProblem& problem, DType dtype) {
  DotSizes sizes;
  for_each_phase(problem, [&](const StridePhase& phase) {
    const Im2col matrix = im2col_of_gradient(problem, nothing_of(dtype), phase);
    const DotBlocking blocking = dot_blocking(matrix, problem.C);
    sizes.workspace_bytes = std::max(sizes.workspace_bytes, blocking.workspace_bytes());
    sizes.blocks += blocking.blocks;
  });
  return sizes;
}

}  // namespace accrete::kernels::cpu
