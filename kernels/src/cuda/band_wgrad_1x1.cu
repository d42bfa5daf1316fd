// SPDX-License-Identifier: Apache-2.0
// Gradients of the weights of 1x1 convolutions, by themselves, and the choice between these and
// those of 3x3 ones.
#include "cuda/band_gemm/wgrad_1x1.cuh"
#include "cuda/band_gemm/wgrad_launch.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

bool band_wgrad_1x1(const WgradCall& call, int alignment) {
  return launch_wgrad<Wgrad1x1, kWgrad1x1Filters, kWgrad1x1FewFilters>(call, 1, alignment);
}

bool band_wgrad(const WgradCall& call) {
  const int alignment = row_alignment(call.x, call.grad_y.g, companion(call.grad_y));
  const int side = wgrad_side(call.problem, alignment, call.grad_weight);
  if (side == 0) {
    return false;
  }
  return side == 1 ? band_wgrad_1x1(call, alignment) : band_wgrad_3x3(call, alignment);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
