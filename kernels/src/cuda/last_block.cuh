// SPDX-License-Identifier: Apache-2.0
// How the last block of several learns that all others are done and sees what they have written.
#pragma once

#include "cuda/platform.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Whether this block is the last of `blocks` to draw the ticket; it then sees everything that the
/// others wrote before they drew. All threads of the block call it. The counter is zero before the
/// first block and behind the last one.
__device__ __forceinline__ bool last_to_arrive(std::uint32_t* ticket, std::int64_t blocks) {
  ACCRETE_SHARED_ARRAY(std::uint32_t, drawn, [1]);
  const auto last = static_cast<std::uint32_t>(blocks - 1);
  __syncthreads();  // all threads of the block have written
  if (threadIdx.x == 0 && threadIdx.y == 0) {
    __threadfence();  // what the barrier has made known comes before the ticket
    drawn[0] = atomicInc(ticket, last);
    __threadfence();  // and what earlier tickets made known before the next barrier
  }
  __syncthreads();
  return drawn[0] == last;
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
