// SPDX-License-Identifier: Apache-2.0
// Workspace of convolutions on a GPU: none until the kernels exist.
#pragma once

#include <cstddef>
#include "accrete/kernels/dtype.h"
#include "accrete/kernels/problem.h"

namespace accrete::kernels::cuda {
inline std::size_t conv_forward_workspace_bytes(const ConvProblem&, DType) {
  return 0;
}
inline std::size_t conv_dgrad_workspace_bytes(const ConvProblem&, DType) {
  return 0;
}
inline std::size_t conv_wgrad_workspace_bytes(const ConvProblem&, DType) {
  return 0;
}
inline std::size_t bias_grad_workspace_bytes(const Shape&) {
  return 0;
}

}  // namespace accrete::kernels::cuda
