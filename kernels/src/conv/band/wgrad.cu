// SPDX-License-Identifier: Apache-2.0
// Gradients of convolutions' weights, by themselves.
#include "conv/band/wgrad_1x1.cuh"
#include "conv/band/wgrad_3x3.cuh"
#include "conv/band/wgrad_launch.cuh"

namespace accrete::kernels::cuda {

bool band_wgrad(const Stream& stream, const ConvWgrad& call, const Workspace& workspace) {
  const int alignment = row_alignment(call.x, call.grad_y.g, companion(call.grad_y));
  const int side = wgrad_side(call.problem, alignment, call.grad_weight);
  if (side == 0) {
    return false;
  }
  return side == 1 ? launch_wgrad<Wgrad1x1, kWgrad1x1Filters, kWgrad1x1FewFilters>(
                         stream, call, workspace, 1, alignment)
                   : launch_wgrad<Wgrad3x3, kWgrad3x3Filters, kWgrad3x3FewFilters>(
                         stream, call, workspace, 3, alignment);
}

}  // namespace accrete::kernels::cuda
