// SPDX-License-Identifier: Apache-2.0
// Reductions over the 32 lanes of a warp in a fixed order: every lane gets the same bits.
#pragma once

#include "cuda/platform.cuh"

namespace accrete::kernels::cuda {

template <class T>
__device__ __forceinline__ T warp_sum(T value) {
#pragma unroll
  for (int bits = 16; bits > 0; bits /= 2) {
    value += __shfl_xor_sync(0xFFFFFFFFU, value, bits);
  }
  return value;
}

}  // namespace accrete::kernels::cuda
