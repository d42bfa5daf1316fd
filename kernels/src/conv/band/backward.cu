// SPDX-License-Identifier: Apache-2.0
// Both gradients of a convolution in one launch.
#include "conv/band/backward_kernel.cuh"
#include "conv/band/launch.cuh"
#include "conv/band/wgrad_1x1.cuh"
#include "conv/band/wgrad_3x3.cuh"

namespace accrete::kernels::cuda {

bool band_backward(const Stream& stream, const ConvBackward& call, const Workspace& workspace) {
  const int alignment =
      row_alignment(call.x, call.weight, call.grad_y.g, companion(call.grad_y), call.grad_x.g);
  const int side = call.norm ? wgrad_side(call.problem, alignment, call.grad_weight) : 0;
  if (side == 0) {
    return false;
  }
  return side == 1 ? launch_backward<Wgrad1x1, kWgrad1x1Filters, kWgrad1x1FewFilters, 1>(
                         stream, call, workspace, alignment)
                   : launch_backward<Wgrad3x3, kWgrad3x3Filters, kWgrad3x3FewFilters, 3>(
                         stream, call, workspace, alignment);
}

}  // namespace accrete::kernels::cuda
