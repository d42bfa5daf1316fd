// SPDX-License-Identifier: Apache-2.0
// Gradients of the weights of 3x3 convolutions, by themselves.
#include "conv/band/wgrad_3x3.cuh"
#include "conv/band/wgrad_launch.cuh"

namespace accrete::kernels::cuda {

bool band_wgrad_3x3(const Stream& stream, const ConvWgrad& call, const Workspace& workspace,
                    int alignment) {
  return launch_wgrad<Wgrad3x3, kWgrad3x3Filters, kWgrad3x3FewFilters>(stream, call, workspace, 3,
                                                                       alignment);
}

}  // namespace accrete::kernels::cuda
