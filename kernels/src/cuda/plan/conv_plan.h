// SPDX-License-Identifier: Apache-2.0
// Workspace of convolutions on a GPU, and how their work is cut. Depends on the problem alone, so
// that memory can be planned without a GPU and results do not depend on which one it is.
#pragma once

#include <cstddef>

#include "accrete/kernels/dtype.h"
#include "accrete/kernels/problem.h"
#include "cuda/plan/row_chunks.h"

namespace accrete::kernels::cuda {

inline std::size_t conv_forward_workspace_bytes(const ConvProblem& /*problem*/, DType /*dtype*/) {
  return 0;
}
inline std::size_t conv_dgrad_workspace_bytes(const ConvProblem& /*problem*/, DType /*dtype*/) {
  return 0;
}
inline std::size_t conv_wgrad_workspace_bytes(const ConvProblem& /*problem*/, DType /*dtype*/) {
  return 0;
}

inline std::size_t bias_grad_workspace_bytes(const Shape& grad_y) {
  return static_cast<std::size_t>(row_chunks(grad_y.pixels()).count * grad_y.c) * sizeof(float);
}

}  // namespace accrete::kernels::cuda
