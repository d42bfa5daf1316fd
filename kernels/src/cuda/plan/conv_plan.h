// SPDX-License-Identifier: Apache-2.0
// Workspace of convolutions on a GPU, and how their work is cut. Depends on the problem alone, so
// that memory can be planned without a GPU and results do not depend on which one it is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "accrete/kernels/dtype.h"
#include "accrete/kernels/problem.h"
#include "cuda/plan/band_wgrad_plan.h"
#include "cuda/plan/chunk_partials.h"
#include "cuda/plan/row_chunks.h"

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

inline std::size_t conv_forward_workspace_bytes(const ConvProblem& /*problem*/, DType /*dtype*/) {
  return 0;
}
inline std::size_t conv_dgrad_workspace_bytes(const ConvProblem& /*problem*/, DType /*dtype*/) {
  return 0;
}
/// Enough for whichever kernel takes the problem: that depends on where its tensors are, too.
inline std::size_t conv_wgrad_workspace_bytes(const ConvProblem& problem, DType dtype) {
  const std::size_t of_ranges =
      static_cast<std::size_t>(wgrad_ranges(problem).count * problem.weight_shape().elements()) *
      sizeof(float);
  const bool has_bands = problem.R == problem.S && (problem.R == 1 || problem.R == 3);
  if (dtype != DType::bf16 || !has_bands) {
    return of_ranges;
  }
  return std::max(of_ranges, BandWgradPlan(problem, static_cast<int>(problem.R)).bytes());
}

inline std::size_t bias_grad_workspace_bytes(const Shape& grad_y) {
  return ChunkPartials{row_chunks(grad_y.pixels()).count, grad_y.c}.bytes();
}

}  // namespace accrete::kernels::cuda
