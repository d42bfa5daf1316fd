// SPDX-License-Identifier: Apache-2.0
// Both gradients of 1x1 convolutions.
#include "cuda/band_gemm/backward_kernel.cuh"
#include "cuda/band_gemm/wgrad_1x1.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

template <int FILTERS>
bool launch_aligned(const BackwardCall& call, int alignment) {
  constexpr int kHalfPack = kPackBytes / 2;
  return alignment == kPackBytes
             ? launch_backward<Wgrad1x1<DeferredPacks, NormReluPacks, FILTERS, kPackBytes>, 1>(call)
             : launch_backward<Wgrad1x1<DeferredPacks, NormReluPacks, FILTERS, kHalfPack>, 1>(call);
}

}  // namespace

bool band_backward_1x1(const BackwardCall& call, int alignment) {
  return call.problem.K <= kWgrad1x1FewFilters
             ? launch_aligned<kWgrad1x1FewFilters>(call, alignment)
             : launch_aligned<kWgrad1x1Filters>(call, alignment);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
