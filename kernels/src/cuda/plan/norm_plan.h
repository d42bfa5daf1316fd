// SPDX-License-Identifier: Apache-2.0
// Workspaces of fused operations on a GPU: two numbers per channel and block of rows.
#pragma once

#include <algorithm>
#include <cstddef>

#include "accrete/kernels/problem.h"
#include "cuda/plan/conv_plan.h"

namespace accrete::kernels::cuda {

/// Rows of the tiles of fused convolutions.
constexpr std::int64_t kFusedTileRows = 128;

inline std::int64_t fused_tiles(std::int64_t rows) {
  return (rows + kFusedTileRows - 1) / kFusedTileRows;
}

/// Enough for x and for every tensor with fewer rows: row_chunks makes at most so many chunks.
inline std::size_t norm_relu_workspace_bytes(const Shape& x) {
  const std::int64_t chunks = std::min((x.pixels() + 63) / 64, kMostChunks);
  return static_cast<std::size_t>(chunks * x.c) * 2 * sizeof(float);
}

inline std::size_t fused_conv_forward_workspace_bytes(const ConvProblem& problem) {
  return static_cast<std::size_t>(fused_tiles(problem.y_shape().pixels()) * problem.K) * 2 *
         sizeof(float);
}
inline std::size_t fused_conv_dgrad_workspace_bytes(const ConvProblem& problem) {
  return static_cast<std::size_t>(fused_tiles(problem.x_shape().pixels()) * problem.C) * 2 *
         sizeof(float);
}
inline std::size_t fused_conv_wgrad_workspace_bytes(const ConvProblem& problem, DType dtype) {
  return conv_wgrad_workspace_bytes(problem, dtype);
}

}  // namespace accrete::kernels::cuda
