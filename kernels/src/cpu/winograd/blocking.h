// SPDX-License-Identifier: Apache-2.0
// How products by Winograd's algorithm cut their work. As in gemm/blocking.h, everything depends on
// the problem alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/gemm/blocking.h"
#include "cpu/winograd/tiles.h"

namespace accrete::kernels::cpu {

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

}  // namespace accrete::kernels::cpu
