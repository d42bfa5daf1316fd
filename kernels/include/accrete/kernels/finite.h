// SPDX-License-Identifier: Apache-2.0
// Whether numbers from outside are numbers: asked of the bits, since compilers may assume under
// -ffast-math that no float is NaN or infinite and drop std::isfinite.
#pragma once

#include <cstdint>
#include <cstring>

namespace accrete {

/// Whether none of the `count` floats at `values` is NaN or infinite, that is whether no exponent
/// is all ones. True for none. The loop has no early exit, so that it vectorises.
inline bool all_finite(const float* values, std::int64_t count) {
  constexpr std::uint32_t kExponent = 0x7F800000U;
  std::uint32_t found = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, values + i, sizeof(bits));
    found |= static_cast<std::uint32_t>((bits & kExponent) == kExponent);
  }
  return found == 0;
}

/// Whether `value` is neither NaN nor infinite.
inline bool is_finite(double value) {
  constexpr std::uint64_t kExponent = 0x7FF0000000000000U;
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return (bits & kExponent) != kExponent;
}

}  // namespace accrete
