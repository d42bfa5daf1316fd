// SPDX-License-Identifier: Apache-2.0
#include "cpu/dot_sizes.h"

#include "cpu/gemm/blocking.h"
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

}  // namespace accrete::kernels::cpu
