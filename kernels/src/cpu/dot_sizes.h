// SPDX-License-Identifier: Apache-2.0
// What a forward pass or a gradient of the data needs, by whichever algorithm it runs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "accrete/kernels/problem.h"
#include "accrete/kernels/tensor_view.h"
#include "cpu/gemm/im2col.h"

namespace accrete::kernels::cpu {

struct DotSizes {
  std::size_t workspace_bytes = 0;  ///< of a plain call
  std::int64_t blocks = 0;          ///< tasks, each with partial sums of its own in a fused call
};

/// Of `matrix` times weights of `columns` columns; the matrix's data need not exist yet.
DotSizes dot_sizes(const Im2col& matrix, std::int64_t columns);

/// Of the gradient of the data of a strided convolution: a workspace that suits each phase in turn,
/// the blocks of all.
DotSizes strided_dgrad_sizes(const ConvProblem& problem, DType dtype);

}  // namespace accrete::kernels::cpu
