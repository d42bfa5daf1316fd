// SPDX-License-Identifier: Apache-2.0
// How the last block of several learns that all others are done and sees what they have written.
#pragma once

#include "cuda/ptx.cuh"

namespace accrete::kernels::cuda {

/// Whether this block is the last of `blocks` to draw the ticket; it then sees everything that the
/// others wrote before they drew. All threads of the block call it. The counter is zero before the
/// first block and behind the last one.
///
/// Only the last block pays for an acquire, which empties the L1 cache of its multiprocessor:
/// drawing is a release alone, and nobody else reads what others wrote.
__device__ __forceinline__ bool last_to_arrive(std::uint32_t* ticket, std::int64_t blocks) {
  ACCRETE_SHARED_ARRAY(std::uint32_t, drawn, [1]);
  const auto last = static_cast<std::uint32_t>(blocks - 1);
  __syncthreads();  // all threads of the block have written
  if (threadIdx.x == 0 && threadIdx.y == 0) {
    drawn[0] = ptx::increment_release(ticket, last);
    if (drawn[0] == last) {
      ptx::fence_acq_rel();  // what all tickets have made known comes before the next barrier
    }
  }
  __syncthreads();
  return drawn[0] == last;
}

}  // namespace accrete::kernels::cuda
