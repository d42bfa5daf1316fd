// SPDX-License-Identifier: Apache-2.0
// bfloat16: the upper half of a float. Kernels are templates over float and bf16 and convert with
// to_float and from_float; sums are always f32.
#pragma once

#include "cuda/ptx.cuh"

namespace accrete::kernels::cuda {

struct bf16 {
  std::uint16_t bits;
};

__device__ __forceinline__ float to_float(float value) {
  return value;
}
__device__ __forceinline__ float to_float(bf16 value) {
  return __uint_as_float(static_cast<std::uint32_t>(value.bits) << 16U);
}

/// To nearest, ties to even; NaN stays NaN.
__device__ __forceinline__ bf16 to_bf16(float value) {
  return {static_cast<std::uint16_t>(ptx::to_bf16x2(value, 0.0F))};
}

template <class T>
__device__ __forceinline__ T from_float(float value) {
  if constexpr (sizeof(T) == sizeof(bf16)) {
    return to_bf16(value);
  } else {
    return value;
  }
}

__device__ __forceinline__ float2 unpack_bf16x2(std::uint32_t pair) {
  return make_float2(__uint_as_float(pair << 16U), __uint_as_float(pair & 0xFFFF0000U));
}

}  // namespace accrete::kernels::cuda
