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

inline std::size_t fused_workspace_bytes(const Shape& result) {
  return ChunkPartials{(result.pixels() + kFusedTileRows - 1) / kFusedTileRows, result.c}.bytes();
}
inline std::size_t fused_conv_forward_workspace_bytes(const ConvProblem& problem) {
  return fused_workspace_bytes(problem.y_shape());
}
inline std::size_t fused_conv_dgrad_workspace_bytes(const ConvProblem& problem) {
  return fused_workspace_bytes(problem.x_shape());
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
