// SPDX-License-Identifier: Apache-2.0
#include "support/compare.h"

#include <cmath>
#include <cstring>

namespace accrete::test {
namespace {

std::string describe(std::size_t count, std::size_t total, std::size_t index, double got,
                     double expected) {
  return std::to_string(count) + " of " + std::to_string(total) + " differ, worst at " +
         std::to_string(index) + ": got " + std::to_string(got) + ", expected " +
         std::to_string(expected);
}

// How far outside the tolerance, in units of it; infinite where NaN or infinity is not shared.
double excess(double got, double expected, Tolerance tolerance) {
  if (std::isnan(got) || std::isnan(expected)) {
    return std::isnan(got) && std::isnan(expected) ? 0.0 : HUGE_VAL;
  }
  if (std::isinf(got) || std::isinf(expected)) {
    return got == expected ? 0.0 : HUGE_VAL;
  }
  const double error = std::fabs(got - expected);
  const double allowed = tolerance.absolute + tolerance.relative * std::fabs(expected);
  if (error <= allowed) {
    return 0.0;
  }
  return allowed > 0.0 ? error / allowed : HUGE_VAL;
}

}  // namespace

Tolerance sum_tolerance(double terms) {
  constexpr double kEpsilon = 1.2e-7;  // f32 unit roundoff, doubled
  // Rounding errors of a sum grow like sqrt(terms) on random data; 8 is the margin for the tail.
  return {8.0 * kEpsilon * std::sqrt(terms), 8.0 * kEpsilon * std::sqrt(std::sqrt(terms))};
}

std::string difference(const std::vector<float>& got, const std::vector<double>& expected,
                       Tolerance tolerance) {
  if (got.size() != expected.size()) {
    return "sizes differ: got " + std::to_string(got.size()) + ", expected " +
           std::to_string(expected.size());
  }
  std::size_t count = 0;
  std::size_t worst = 0;
  double worst_excess = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double e = excess(static_cast<double>(got[i]), expected[i], tolerance);
    if (e > 0.0) {
      ++count;
      if (e > worst_excess) {
        worst_excess = e;
        worst = i;
      }
    }
  }
  if (count == 0) {
    return {};
  }
  return describe(count, got.size(), worst, static_cast<double>(got[worst]), expected[worst]);
}

std::string exact_difference(const std::vector<float>& got, const std::vector<float>& expected) {
  if (got.size() != expected.size()) {
    return "sizes differ: got " + std::to_string(got.size()) + ", expected " +
           std::to_string(expected.size());
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::memcmp(&got[i], &expected[i], sizeof(float)) != 0) {
      return describe(1, got.size(), i, static_cast<double>(got[i]),
                      static_cast<double>(expected[i]));
    }
  }
  return {};
}

}  // namespace accrete::test
