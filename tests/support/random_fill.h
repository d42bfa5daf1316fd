// SPDX-License-Identifier: Apache-2.0
// Reproducible test data.
#pragma once

#include <cstdint>
#include <vector>

#include "accrete/kernels/random.h"

namespace accrete::test {

/// `count` uniform values in [low, high).
inline std::vector<float> uniform(std::int64_t count, std::uint64_t seed, float low = -1.0F,
                                  float high = 1.0F) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto words = philox({seed, 0x7e57}, i / 4);
    values[i] = low + (high - low) * uniform_from_bits(words[i % 4]);
  }
  return values;
}

/// `count` integers in [-range, range] as floats: sums of their products are exact in f32 as long
/// as they stay below 2^24, so kernels must match bit for bit whatever their order of summation.
inline std::vector<float> integers(std::int64_t count, std::uint64_t seed, int range) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto words = philox({seed, 0x1e7e}, i / 4);
    const auto span = static_cast<std::uint32_t>(2 * range + 1);
    values[i] = static_cast<float>(static_cast<int>(words[i % 4] % span) - range);
  }
  return values;
}

/// `count` labels in [0, classes).
inline std::vector<std::int32_t> labels(std::int64_t count, std::uint64_t seed, int classes) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::int32_t>(philox({seed, 0x1abe1}, i)[0] %
                                          static_cast<std::uint32_t>(classes));
  }
  return values;
}

}  // namespace accrete::test
