// SPDX-License-Identifier: Apache-2.0
#include "cpu/dot_sizes.h"

#include <algorithm>

#include "cpu/gemm/blocking.h"
#include "cpu/stride_phases.h"
#include "cpu/winograd/blocking.h"

namespace accrete::kernels::cpu {

DotSizes dot_sizes(const Im2col& matrix, std::int64_t columns) {
  if (winograd_pays(matrix, columns)) {
    const WinogradDotBlocking blocking = winograd_dot_blocking(matrix, columns);
    return {blocking.workspace_bytes(), blocking.blocks};
  }
  const DotBlocking blocking = dot_blocking(matrix, columns);
  return {blocking.workspace_bytes(), blocking.blocks};
}

DotSizes strided_dgrad_sizes(const ConvProblem& problem, DType dtype) {
  DotSizes sizes;
  for_each_phase(problem, [&](const StridePhase& phase) {
    const Im2col matrix = im2col_of_gradient(problem, nothing_of(dtype), phase);
    const DotBlocking blocking = dot_blocking(matrix, problem.C);
    sizes.workspace_bytes = std::max(sizes.workspace_bytes, blocking.workspace_bytes());
    sizes.blocks += blocking.blocks;
  });
  return sizes;
}

}  // namespace accrete::kernels::cpu
