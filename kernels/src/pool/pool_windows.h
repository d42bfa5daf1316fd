// SPDX-License-Identifier: Apache-2.0
// Which pixels a pooling window covers, which windows cover a pixel, and how images are cut into
// tasks: by lines of pixels.
#pragma once

#include <algorithm>
#include <cstdint>

#include "accrete/kernels/problem.h"
#include "cpu/row_tiles.h"

namespace accrete::kernels::cpu {

/// Most taps of a window, and so most windows over one pixel.
constexpr std::int64_t kMaxPoolTaps = 255;

/// Half-open range.
struct Span {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t length() const { return end - begin; }
};

/// One axis of a pooling problem.
struct PoolAxis {
  std::int64_t input = 0;
  std::int64_t output = 0;
  std::int64_t window = 0;
  std::int64_t stride = 0;
  std::int64_t pad = 0;

  /// Taps of window `p` inside the image.
  Span taps(std::int64_t p) const {
    const std::int64_t origin = p * stride - pad;
    return {std::max<std::int64_t>(0, -origin), std::min(window, input - origin)};
  }
  /// Windows that cover input position `h`.
  Span windows(std::int64_t h) const {
    const std::int64_t first = h + pad - window + 1;
    const std::int64_t begin = first <= 0 ? 0 : divide_up(first, stride);
    return {begin, std::min(output, (h + pad) / stride + 1)};
  }
};

inline PoolAxis vertical_axis(const PoolProblem& problem) {
  return {problem.H, problem.P(), problem.R, problem.stride_h, problem.pad_h};
}

inline PoolAxis horizontal_axis(const PoolProblem& problem) {
  return {problem.W, problem.Q(), problem.S, problem.stride_w, problem.pad_w};
}

/// Lines of an image batch, cut into tasks of about kTileElements elements.
struct LineTasks {
  std::int64_t lines = 0;
  std::int64_t per_task = 1;

  LineTasks(std::int64_t lines_in, std::int64_t line_elements)
      : lines(lines_in), per_task(std::max<std::int64_t>(1, kTileElements / line_elements)) {}

  std::int64_t count() const { return divide_up(lines, per_task); }
  Span task(std::int64_t index) const {
    return {index * per_task, std::min(lines, (index + 1) * per_task)};
  }
};

/// Lines and channels of one task.
struct PoolTile {
  Span lines;
  std::int64_t line_task = 0;  ///< number of the span of lines, for partial sums
  std::int64_t channel = 0;
  std::int64_t channels = 0;
};

/// Lines cut into tasks of all channels, for kernels without per-channel parameters.
inline PoolTile all_channels(const Span& lines, std::int64_t channels) {
  return {lines, 0, 0, channels};
}

/// Lines cut into tasks of at most kMaxTileChannels channels and at most kMaxRowTiles spans of
/// lines, for kernels with parameters per channel.
class PoolTiles {
 public:
  PoolTiles(std::int64_t lines, std::int64_t line_pixels, std::int64_t channels)
      : channels_(channels),
        tile_channels_(padded_channels(divide_up(channels, divide_up(channels, kMaxTileChannels)))),
        lines_(lines, line_pixels * tile_channels_) {
    lines_.per_task = std::max(lines_.per_task, divide_up(lines, kMaxRowTiles));
  }

  std::int64_t line_tasks() const { return lines_.count(); }
  std::int64_t count() const { return line_tasks() * channel_tiles(); }
  PoolTile tile(std::int64_t task) const {
    PoolTile tile;
    tile.line_task = task / channel_tiles();
    tile.lines = lines_.task(tile.line_task);
    tile.channel = task % channel_tiles() * tile_channels_;
    tile.channels = std::min(tile_channels_, channels_ - tile.channel);
    return tile;
  }

 private:
  std::int64_t channel_tiles() const { return divide_up(channels_, tile_channels_); }

  std::int64_t channels_, tile_channels_;
  LineTasks lines_;
};

/// Tasks that go through the lines of a tensor.
inline PoolTiles pool_tiles(const Shape& tensor) {
  return {tensor.n * tensor.h, tensor.w, tensor.c};
}

}  // namespace accrete::kernels::cpu
