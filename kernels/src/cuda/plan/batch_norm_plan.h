// SPDX-License-Identifier: Apache-2.0
// Workspace of batch norm on a GPU: two numbers per channel and chunk of rows.
#pragma once

#include <cstddef>

#include "accrete/kernels/shape.h"
#include "cuda/plan/row_chunks.h"

namespace accrete::kernels::cuda {

inline std::size_t batch_norm_workspace_bytes(const Shape& x) {
  return static_cast<std::size_t>(row_chunks(x.pixels()).count * x.c) * 2 * sizeof(float);
}

}  // namespace accrete::kernels::cuda
