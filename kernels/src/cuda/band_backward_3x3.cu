// SPDX-License-Identifier: Apache-2.0
// Both gradients of 3x3 convolutions.
#include "cuda/band_gemm/backward_kernel.cuh"
#include "cuda/band_gemm/wgrad_3x3.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

template <int FILTERS>
bool launch_aligned(const BackwardCall& call, int alignment) {
  constexpr int kHalfPack = kPackBytes / 2;
  return alignment == kPackBytes
             ? launch_backward<Wgrad3x3<DeferredPacks, NormReluPacks, FILTERS, kPackBytes>, 3>(call)
             : launch_backward<Wgrad3x3<DeferredPacks, NormReluPacks, FILTERS, kHalfPack>, 3>(call);
}

}  // namespace

bool band_backward_3x3(const BackwardCall& call, int alignment) {
  return call.problem.K <= kWgrad3x3FewFilters
             ? launch_aligned<kWgrad3x3FewFilters>(call, alignment)
             : launch_aligned<kWgrad3x3Filters>(call, alignment);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
