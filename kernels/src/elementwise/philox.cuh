// SPDX-License-Identifier: Apache-2.0
// The generator of accrete/kernels/random.h on the device: the same words for the same counter.
#pragma once

#include "accrete/kernels/random.h"
#include "cuda/platform.cuh"

namespace accrete::kernels::cuda {

/// Word 0..3 of the four words number `counter` of the stream.
__device__ __forceinline__ uint4 philox_words(const RandomKey& key, std::uint64_t counter) {
  constexpr std::uint32_t kMultiplier0 = 0xD2511F53U;
  constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57U;
  auto key0 = static_cast<std::uint32_t>(key.seed);
  auto key1 = static_cast<std::uint32_t>(key.seed >> 32U);
  uint4 x = make_uint4(
      static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32U),
      static_cast<std::uint32_t>(key.stream), static_cast<std::uint32_t>(key.stream >> 32U));
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    x = make_uint4(__umulhi(kMultiplier1, x.z) ^ x.y ^ key0, kMultiplier1 * x.z,
                   __umulhi(kMultiplier0, x.x) ^ x.w ^ key1, kMultiplier0 * x.x);
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return x;
}

/// The uniform number in [0, 1) of element `index`.
__device__ __forceinline__ float philox_uniform(const RandomKey& key, std::uint64_t index) {
  const uint4 words = philox_words(key, index / 4);
  const std::uint32_t low = index % 2 == 0 ? words.x : words.y;
  const std::uint32_t high = index % 2 == 0 ? words.z : words.w;
  const std::uint32_t bits = index % 4 < 2 ? low : high;
  return static_cast<float>(bits >> 8U) * (1.0F / 16777216.0F);
}

}  // namespace accrete::kernels::cuda
