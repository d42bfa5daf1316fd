// SPDX-License-Identifier: Apache-2.0
// Workspace of convolutions on a GPU, and how their work is cut. Depends on the problem alone, so
// that memory can be planned without a GPU, and suits whichever kernel takes the problem.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "accrete/kernels/call.h"
#include "accrete/kernels/problem.h"
#include "conv/plan/band_wgrad_plan.h"
#include "cuda/row_chunks.h"

namespace accrete::kernels::cuda {

/// Results of a block of the weight gradient.
constexpr int kWgradFilters = 64;
constexpr int kWgradColumns = 128;
/// Where the image has one channel, or three: all columns that such a block may have.
constexpr int kWgradGrayColumns = 64, kWgradRgbColumns = 160;

/// The pixels of a weight gradient, cut so that its blocks fill a large GPU about twice.
struct WgradRanges {
  std::int64_t count;
  std::int64_t pixels_per_range;
};

inline WgradRanges wgrad_ranges(const ConvProblem& problem) {
  constexpr std::int64_t kBlocks = 264;
  constexpr std::int64_t kLeastPixels = 256;
  const auto tiles = [](std::int64_t extent, std::int64_t tile) {
    return (extent + tile - 1) / tile;
  };
  const std::int64_t columns = problem.R * problem.S * problem.C;
  const bool one_tile = problem.C == 3 && columns <= kWgradRgbColumns;
  const std::int64_t blocks =
      tiles(problem.K, kWgradFilters) * (one_tile ? 1 : tiles(columns, kWgradColumns));
  const std::int64_t pixels = problem.y_shape().pixels();
  const std::int64_t wanted = std::max<std::int64_t>(1, kBlocks / blocks);
  const std::int64_t possible = tiles(pixels, kLeastPixels);
  // A multiple of every tile's depth.
  const std::int64_t per_range = tiles(tiles(pixels, std::min(wanted, possible)), 32) * 32;
  return {tiles(pixels, per_range), per_range};
}

/// Partial sums of a gradient of weights. Enough for whichever kernel takes the problem: that
/// depends on where its tensors are, too.
inline std::size_t wgrad_bytes(const ConvProblem& problem, DType dtype) {
  const std::size_t of_ranges =
      static_cast<std::size_t>(wgrad_ranges(problem).count * problem.weight_shape().elements()) *
      sizeof(float);
  const bool has_bands = problem.R == problem.S && (problem.R == 1 || problem.R == 3);
  if (dtype != DType::bf16 || !has_bands) {
    return of_ranges;
  }
  return std::max(of_ranges, BandWgradPlan(problem, static_cast<int>(problem.R)).bytes());
}

/// Rows of the tiles of convolutions whose rows are pixels.
constexpr std::int64_t kPixelTileRows = 128;

inline std::int64_t pixel_tiles(std::int64_t pixels) {
  return (pixels + kPixelTileRows - 1) / kPixelTileRows;
}
/// Of the data's gradient, whose pixels are cut into tiles for each phase of the stride.
inline std::int64_t dgrad_tiles(const ConvProblem& p) {
  const auto of_phase = [](std::int64_t extent, std::int64_t stride, std::int64_t phase) {
    return extent > phase ? (extent - phase + stride - 1) / stride : 0;
  };
  std::int64_t tiles = 0;
  for (std::int64_t h = 0; h < p.stride_h; ++h) {
    for (std::int64_t w = 0; w < p.stride_w; ++w) {
      tiles += pixel_tiles(p.N * of_phase(p.H, p.stride_h, h) * of_phase(p.W, p.stride_w, w));
    }
  }
  return tiles;
}

/// Statistics of y, taken by the tiles of a convolution.
inline std::size_t forward_sums_bytes(const ConvProblem& problem) {
  return ChunkPartials{pixel_tiles(problem.y_shape().pixels()), problem.K}.bytes();
}
/// Sums over the gradient of x, taken by the tiles that make it.
inline std::size_t dgrad_sums_bytes(const ConvProblem& problem) {
  return ChunkPartials{dgrad_tiles(problem), problem.C}.bytes();
}
/// Of both gradients at once: what the gradient of the data needs comes first, that of the weights
/// behind it.
inline std::size_t backward_data_bytes(const ConvProblem& problem) {
  constexpr std::size_t kAlignment = 64;
  return (dgrad_sums_bytes(problem) + kAlignment - 1) / kAlignment * kAlignment;
}

inline Workspace workspace_of_weights(const ConvProblem& problem, const Workspace& workspace) {
  const std::size_t of_data = backward_data_bytes(problem);
  return {static_cast<std::byte*>(workspace.data) + of_data, workspace.bytes - of_data};
}

}  // namespace accrete::kernels::cuda
