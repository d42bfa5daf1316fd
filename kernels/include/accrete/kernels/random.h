// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). A number is a pure function of (key, counter): the same on every machine,
// for every thread count and after a resume.
#pragma once

#include <array>
#include <cstdint>

namespace accrete {

/// A random stream: `seed` is the run's seed, `stream` names the use (layer, epoch, ...).
struct RandomKey {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
};

/// Four independent uniform 32-bit words number 4*counter .. 4*counter+3 of the stream.
inline std::array<std::uint32_t, 4> philox(const RandomKey& key, std::uint64_t counter) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53U;
  constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57U;
  auto key0 = static_cast<std::uint32_t>(key.seed);
  auto key1 = static_cast<std::uint32_t>(key.seed >> 32U);
  std::array<std::uint32_t, 4> x = {
      static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32U),
      static_cast<std::uint32_t>(key.stream), static_cast<std::uint32_t>(key.stream >> 32U)};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * x[0];
    const std::uint64_t product1 = kMultiplier1 * x[2];
    x = {static_cast<std::uint32_t>(product1 >> 32U) ^ x[1] ^ key0,
         static_cast<std::uint32_t>(product1),
         static_cast<std::uint32_t>(product0 >> 32U) ^ x[3] ^ key1,
         static_cast<std::uint32_t>(product0)};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return x;
}

/// Uniform in [0, 1) with 24 random bits.
inline float uniform_from_bits(std::uint32_t bits) {
  return static_cast<float>(bits >> 8U) * (1.0F / 16777216.0F);
}

/// Mixes words into one stream identifier, so that uses keyed by several numbers do not collide.
/// One round of the SplitMix64 finaliser per word (Steele, Lea & Flood, OOPSLA 2014).
inline std::uint64_t mix_stream(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = a + 0x9E3779B97F4A7C15U * (b + 1);
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

}  // namespace accrete
