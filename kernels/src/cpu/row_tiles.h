// SPDX-License-Identifier: Apache-2.0
// How kernels that treat a tensor as rows of channels are cut into tasks. The cut depends on the
// problem alone, so partial sums have the same shape for any number of threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "accrete/kernels/tensor_view.h"
#include "cpu/element.h"

namespace accrete::kernels::cpu {

/// Elements of one task: 64 KB of f32, so that a second pass over a tile reads the L2 cache.
constexpr std::int64_t kTileElements = 16384;
/// Widest tile of a kernel with per-channel parameters; they fit the stack and the L1 cache.
constexpr std::int64_t kMaxTileChannels = 512;
/// Most row tiles of one tensor: bounds the workspace of partial sums.
constexpr std::int64_t kMaxRowTiles = 1024;
/// Floats of a scratch array per channel: whole vectors.
constexpr std::int64_t padded_channels(std::int64_t channels) {
  return round_up(channels, kMaxLanes);
}

/// The block of rows and channels that one task handles.
struct RowTile {
  std::int64_t row = 0;
  std::int64_t rows = 0;
  std::int64_t channel = 0;
  std::int64_t channels = 0;
  std::int64_t row_index = 0;  ///< number of the row tile, for partial sums
};

struct RowTiles {
  std::int64_t rows = 0;
  std::int64_t channels = 0;
  std::int64_t tile_rows = 0;
  std::int64_t tile_channels = 0;  ///< a multiple of kMaxLanes
  std::int64_t row_tiles = 0;
  std::int64_t channel_tiles = 0;

  std::int64_t count() const { return row_tiles * channel_tiles; }

  RowTile tile(std::int64_t task) const {
    RowTile t;
    t.row_index = task / channel_tiles;
    t.row = t.row_index * tile_rows;
    t.rows = std::min(tile_rows, rows - t.row);
    t.channel = (task % channel_tiles) * tile_channels;
    t.channels = std::min(tile_channels, channels - t.channel);
    return t;
  }
};

/// Tiles at most `max_channels` wide and about kTileElements large.
inline RowTiles make_row_tiles(std::int64_t rows, std::int64_t channels,
                               std::int64_t max_channels) {
  RowTiles tiles;
  tiles.rows = rows;
  tiles.channels = channels;
  tiles.tile_channels = padded_channels(divide_up(channels, divide_up(channels, max_channels)));
  tiles.channel_tiles = divide_up(channels, tiles.tile_channels);
  tiles.tile_rows = std::max<std::int64_t>(
      {1, kTileElements / tiles.tile_channels, divide_up(rows, kMaxRowTiles)});
  tiles.row_tiles = divide_up(rows, tiles.tile_rows);
  return tiles;
}

/// For kernels with parameters per channel.
inline RowTiles channel_tiles(const Shape& shape) {
  return make_row_tiles(shape.pixels(), shape.c, kMaxTileChannels);
}

/// The same tiles, but at most `row_tiles` of them above each other.
inline RowTiles coarsened(RowTiles tiles, std::int64_t row_tiles) {
  tiles.tile_rows = std::max(tiles.tile_rows, divide_up(tiles.rows, row_tiles));
  tiles.row_tiles = divide_up(tiles.rows, tiles.tile_rows);
  return tiles;
}

/// One image per row tile.
inline RowTiles image_tiles(const Shape& image) {
  RowTiles tiles = make_row_tiles(image.n, image.c, kMaxTileChannels);
  tiles.tile_rows = 1;
  tiles.row_tiles = image.n;
  return tiles;
}

/// For kernels that treat all elements alike. Packed tensors are one long row.
inline RowTiles element_tiles(const Shape& shape, bool packed) {
  if (packed) {
    return make_row_tiles(1, shape.elements(), kTileElements);
  }
  return make_row_tiles(shape.pixels(), shape.c, kMaxTileChannels);
}

/// Scratch of one value per channel of a tile.
struct TileVector {
  alignas(64) float values[kMaxTileChannels];
};

/// Rows of float or Bf16 that are read.
template <class T>
struct ConstRows {
  const T* data = nullptr;
  std::int64_t pitch = 0;

  explicit ConstRows(const ConstTensorView& view) : data(elements<T>(view)), pitch(view.pitch) {}
  const T* at(std::int64_t row, std::int64_t channel) const { return data + row * pitch + channel; }
};

/// Rows of float or Bf16 that are written.
template <class T>
struct Rows {
  T* data = nullptr;
  std::int64_t pitch = 0;

  explicit Rows(const TensorView& view) : data(elements<T>(view)), pitch(view.pitch) {}
  T* at(std::int64_t row, std::int64_t channel) const { return data + row * pitch + channel; }
};

}  // namespace accrete::kernels::cpu
