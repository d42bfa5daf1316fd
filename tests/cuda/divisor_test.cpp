// SPDX-License-Identifier: Apache-2.0
// Division by multiplication against the processor's.
#include "cuda/divisor.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <random>

namespace accrete::test {
namespace {

constexpr std::uint32_t kLargest = 0x7FFFFFFFU;

// The numbers at which a quotient changes, and some between them.
bool agrees_everywhere(std::uint32_t d, std::mt19937& random) {
  const kernels::cuda::Divisor divisor(d);
  const auto agrees = [&](std::uint32_t n) {
    const std::uint32_t quotient = divisor.divide(n);
    return quotient == n / d && divisor.rest(n, quotient) == n % d;
  };
  bool all =
      agrees(0) && agrees(kLargest) && agrees(kLargest / d * d) && agrees(kLargest / d * d - 1);
  for (int i = 0; i < 64; ++i) {
    const auto n = static_cast<std::uint32_t>(random()) & kLargest;
    all = all && agrees(n) && agrees(n / d * d) && agrees(n < d ? 0 : n / d * d - 1);
  }
  return all;
}

}  // namespace

TEST_CASE("a divisor divides as the processor does", "[cuda]") {
  std::mt19937 random(7);
  for (std::uint32_t d = 1; d < 3000; ++d) {
    INFO("divisor " << d);
    REQUIRE(agrees_everywhere(d, random));
  }
  for (std::uint32_t bit = 12; bit < 31; ++bit) {
    const std::uint32_t power = 1U << bit;
    const std::uint32_t between = power | (static_cast<std::uint32_t>(random()) & (power - 1U));
    for (const std::uint32_t d : {power - 1U, power, power + 1U, between}) {
      INFO("divisor " << d);
      REQUIRE(agrees_everywhere(d, random));
    }
  }
  REQUIRE(agrees_everywhere(kLargest, random));
}

}  // namespace accrete::test
