// SPDX-License-Identifier: Apache-2.0
// Workspace of batch norm on a GPU.
#pragma once

#include <cstddef>

#include "accrete/kernels/shape.h"
#include "cuda/plan/chunk_partials.h"
#include "cuda/plan/row_chunks.h"

namespace accrete::kernels::cuda {

inline std::size_t batch_norm_workspace_bytes(const Shape& x) {
  return ChunkPartials{row_chunks(x.pixels()).count, x.c}.bytes();
}

}  // namespace accrete::kernels::cuda
