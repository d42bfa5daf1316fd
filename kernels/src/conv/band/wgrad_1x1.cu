// SPDX-License-Identifier: Apache-2.0
// Gradients of the weights of 1x1 convolutions, by themselves, and the choice between these and
// those of 3x3 ones.
#include "conv/band/wgrad_1x1.cuh"
#include "conv/band/wgrad_launch.cuh"

namespace accrete::kernels::cuda {

bool band_wgrad_1x1(const Stream& stream, const ConvWgrad& call, const Workspace& workspace,
                    int alignment) {
  return launch_wgrad<Wgrad1x1, kWgrad1x1Filters, kWgrad1x1FewFilters>(stream, call, workspace, 1,
                                                                       alignment);
}

bool band_wgrad(const Stream& stream, const ConvWgrad& call, const Workspace& workspace) {
  const int alignment = row_alignment(call.x, call.grad_y.g, companion(call.grad_y));
  const int side = wgrad_side(call.problem, alignment, call.grad_weight);
  if (side == 0) {
    return false;
  }
  return side == 1 ? band_wgrad_1x1(stream, call, workspace, alignment)
                   : band_wgrad_3x3(stream, call, workspace, alignment);
}

}  // namespace accrete::kernels::cuda
