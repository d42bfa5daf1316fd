// SPDX-License-Identifier: Apache-2.0
// Addresses that stay in registers. The compiler does not know what they were made of, so it does
// not put every element's address together anew from all parts, step by step.
#pragma once

#include "cuda/platform.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// In global memory.
template <class T>
__device__ __forceinline__ const T* in_register(const T* address) {
#if defined(ACCRETE_SIMT)
  return address;
#else
  std::size_t number = __cvta_generic_to_global(address);
  asm volatile("" : "+l"(number));
  return static_cast<const T*>(__cvta_global_to_generic(number));
#endif
}

/// In shared memory.
template <class T>
__device__ __forceinline__ T* shared_in_register(T* address) {
#if defined(ACCRETE_SIMT)
  return address;
#else
  auto number = static_cast<std::uint32_t>(__cvta_generic_to_shared(address));
  asm volatile("" : "+r"(number));
  return static_cast<T*>(__cvta_shared_to_generic(number));
#endif
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
