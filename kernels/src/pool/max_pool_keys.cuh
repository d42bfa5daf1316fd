// SPDX-License-Identifier: Apache-2.0
// Maxima behind a ReLU, and the taps they come from. A value and its tap are one number, a key,
// whose order is that of the values and, of equal ones, the reverse of the taps: values from zero
// on are ordered as their bits are, NaN comes last, and below them is 255 - tap. The greatest key
// of a window is its maximum and the first tap that has it.
#pragma once

#include "cuda/row_access.cuh"
#include "pool/max_pool_winners.cuh"

namespace accrete::kernels::cuda {

/// The greatest keys of a pack of f32.
template <class T, int V>
struct MaxKeys {
  std::uint64_t key[V]{};

  /// Takes max(0, z) of a tap.
  __device__ __forceinline__ void take(const Pack<V>& z, std::int32_t tap) {
#pragma unroll
    for (int i = 0; i < V; ++i) {
      const std::uint32_t bits = __float_as_uint(z.v[i] < 0.0F ? 0.0F : z.v[i]) & 0x7FFFFFFFU;
      const std::uint64_t next =
          static_cast<std::uint64_t>(bits) << 32U | (0xFFU - static_cast<std::uint32_t>(tap));
      key[i] = key[i] < next ? next : key[i];
    }
  }
  __device__ __forceinline__ Pack<V> values() const {
    Pack<V> values;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      values.v[i] = __uint_as_float(static_cast<std::uint32_t>(key[i] >> 32U));
    }
    return values;
  }
  __device__ __forceinline__ TapBytes<V> taps() const {
    TapBytes<V> taps;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      taps.put(i, ~static_cast<std::uint32_t>(key[i]) & 0xFFU);
    }
    return taps;
  }
};

/// Of bf16: what is compared is what a stored tensor would hold.
template <int V>
struct MaxKeys<bf16, V> {
  std::uint32_t key[V]{};

  __device__ __forceinline__ void take(const Pack<V>& z, std::int32_t tap) {
    const std::uint32_t code = 0xFFU - static_cast<std::uint32_t>(tap);
#pragma unroll
    for (int i = 0; i < V; i += 2) {
      const std::uint32_t pair = ptx::to_bf16x2_relu(z.v[i], z.v[i + 1]);
      greater(key[i], (pair << 16U) + code);
      greater(key[i + 1], (pair & 0xFFFF0000U) + code);
    }
  }
  __device__ __forceinline__ Pack<V> values() const {
    Pack<V> values;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      values.v[i] = __uint_as_float(key[i] & 0xFFFF0000U);
    }
    return values;
  }
  __device__ __forceinline__ TapBytes<V> taps() const {
    TapBytes<V> taps;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      taps.put(i, ~key[i] & 0xFFU);
    }
    return taps;
  }

 private:
  __device__ __forceinline__ static void greater(std::uint32_t& best, std::uint32_t next) {
    best = best < next ? next : best;
  }
};

}  // namespace accrete::kernels::cuda
