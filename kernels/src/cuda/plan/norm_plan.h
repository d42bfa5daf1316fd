// SPDX-License-Identifier: Apache-2.0
// Workspaces of fused operations on a GPU.
#pragma once

#include <algorithm>
#include <cstddef>

#include "accrete/kernels/problem.h"
#include "cuda/plan/chunk_partials.h"
#include "cuda/plan/conv_plan.h"

namespace accrete::kernels::cuda {

/// Rows of the tiles of fused convolutions.
constexpr std::int64_t kFusedTileRows = 128;

/// Enough for x and for every tensor with fewer rows: row_chunks makes at most so many chunks.
inline std::size_t norm_relu_workspace_bytes(const Shape& x) {
  return ChunkPartials{std::min((x.pixels() + 63) / 64, kMostChunks), x.c}.bytes();
}

inline std::int64_t fused_tiles(std::int64_t pixels) {
  return (pixels + kFusedTileRows - 1) / kFusedTileRows;
}
/// Of the data's gradient, whose pixels are cut into tiles for each phase of the stride.
inline std::int64_t dgrad_tiles(const ConvProblem& p) {
  const auto of_phase = [](std::int64_t extent, std::int64_t stride, std::int64_t phase) {
    return extent > phase ? (extent - phase + stride - 1) / stride : 0;
  };
  std::int64_t tiles = 0;
  for (std::int64_t h = 0; h < p.stride_h; ++h) {
    for (std::int64_t w = 0; w < p.stride_w; ++w) {
      tiles += fused_tiles(p.N * of_phase(p.H, p.stride_h, h) * of_phase(p.W, p.stride_w, w));
    }
  }
  return tiles;
}

inline std::size_t fused_conv_forward_workspace_bytes(const ConvProblem& problem) {
  return ChunkPartials{fused_tiles(problem.y_shape().pixels()), problem.K}.bytes();
}
inline std::size_t fused_conv_dgrad_workspace_bytes(const ConvProblem& problem) {
  return ChunkPartials{dgrad_tiles(problem), problem.C}.bytes();
}
inline std::size_t fused_conv_wgrad_workspace_bytes(const ConvProblem& problem, DType dtype) {
  return conv_wgrad_workspace_bytes(problem, dtype);
}

/// What the gradient of the data needs comes first, that of the weights behind it.
inline std::size_t backward_data_bytes(const ConvProblem& problem) {
  constexpr std::size_t kAlignment = 64;
  return (fused_conv_dgrad_workspace_bytes(problem) + kAlignment - 1) / kAlignment * kAlignment;
}
inline std::size_t fused_conv_backward_workspace_bytes(const ConvProblem& problem, DType dtype) {
  return backward_data_bytes(problem) + fused_conv_wgrad_workspace_bytes(problem, dtype);
}

}  // namespace accrete::kernels::cuda
