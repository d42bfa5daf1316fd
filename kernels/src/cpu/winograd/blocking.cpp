// SPDX-License-Identifier: Apache-2.0
#include "cpu/winograd/blocking.h"

#include <algorithm>

#include "cpu/scratch_slots.h"

namespace accrete::kernels::cpu {
namespace {

constexpr std::int64_t kDotTasks = 64;
constexpr std::int64_t kPanelLanes = 2 * kMaxLanes;  // the widest panel
// Sums, windows and gradients of a task share the L2 cache.
constexpr std::int64_t kBlockChannels = 2 * kColumnUnit;
constexpr std::int64_t kChunkTiles = 32;
constexpr std::int64_t kPartTiles = 192;
constexpr std::int64_t kMaxParts = 16;
constexpr std::int64_t kMaxPartialBytes = 48 << 20;

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
  b.tile_units = ceil_div(b.tiles.count(), kRowUnit);
  b.blocks = std::min(b.tile_units, kDotTasks);
  b.frequency_floats = b.reduction * round_up(columns, kMaxLanes);
  b.window_floats = kFrequencies * ceil_div(b.reduction, kChunk) * kRowUnit * kChunkPitch;
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
  const std::int64_t blocks = ceil_div(outer.columns, kBlockChannels);
  outer.block_columns = round_up(ceil_div(outer.columns, blocks), kColumnUnit);
  outer.column_blocks = ceil_div(outer.columns, outer.block_columns);
  outer.a_pitch = (round_up(outer.block_columns, kMaxLanes) + kMaxLanes) | kMaxLanes;
  outer.chunk_rows = std::min(kChunkTiles, ceil_div(outer.rows, outer.parts));
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

}  // namespace accrete::kernels::cpu
