// SPDX-License-Identifier: Apache-2.0
// Division by a number that the host knows, where a GPU divides by multiplying: three instructions
// instead of about twenty.
#pragma once

#include <bit>
#include <cstdint>

#include "cuda/platform.cuh"

namespace accrete::kernels::cuda {

/// Divides numbers below 2^31 by a divisor of 1 to 2^31 - 1: with s = ceil(log2 d) and
/// m = floor(2^32 (2^s - d) / d) + 1 the quotient is (high(m n) + n) >> s (Granlund & Montgomery,
/// "Division by Invariant Integers using Multiplication", PLDI 1994, figure 4.1).
class Divisor {
 public:
  explicit Divisor(std::int64_t divisor)
      : divisor_(static_cast<std::uint32_t>(divisor)),
        shift_(static_cast<std::uint32_t>(std::bit_width(divisor_ - 1U))),
        multiplier_(static_cast<std::uint32_t>(
            ((((std::uint64_t{1} << shift_) - divisor_) << 32U) / divisor_) + 1U)) {}

  __host__ __device__ __forceinline__ std::uint32_t value() const { return divisor_; }
  __host__ __device__ __forceinline__ std::uint32_t divide(std::uint32_t n) const {
    const auto high =
        static_cast<std::uint32_t>((static_cast<std::uint64_t>(n) * multiplier_) >> 32U);
    return (high + n) >> shift_;
  }
  /// n modulo the divisor, given the quotient.
  __host__ __device__ __forceinline__ std::uint32_t rest(std::uint32_t n,
                                                         std::uint32_t quotient) const {
    return n - quotient * divisor_;
  }

 private:
  std::uint32_t divisor_, shift_, multiplier_;
};

}  // namespace accrete::kernels::cuda
