// SPDX-License-Identifier: Apache-2.0
// Both gradients of 1x1 convolutions.
#include "conv/band/backward_kernel.cuh"
#include "conv/band/wgrad_1x1.cuh"

namespace accrete::kernels::cuda {

bool band_backward_1x1(const Stream& stream, const ConvBackward& call, const Workspace& workspace,
                       int alignment) {
  return launch_backward<Wgrad1x1, kWgrad1x1Filters, kWgrad1x1FewFilters, 1>(stream, call,
                                                                             workspace, alignment);
}

}  // namespace accrete::kernels::cuda
