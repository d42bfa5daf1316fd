// SPDX-License-Identifier: Apache-2.0
// Both gradients of 3x3 convolutions.
#include "conv/band/backward_kernel.cuh"
#include "conv/band/wgrad_3x3.cuh"

namespace accrete::kernels::cuda {

bool band_backward_3x3(const Stream& stream, const ConvBackward& call, const Workspace& workspace,
                       int alignment) {
  return launch_backward<Wgrad3x3, kWgrad3x3Filters, kWgrad3x3FewFilters, 3>(stream, call,
                                                                             workspace, alignment);
}

}  // namespace accrete::kernels::cuda
