// SPDX-License-Identifier: Apache-2.0
// 0 if floats compute as written, whatever the compiler was told.
#include <cmath>
#include <cstdio>
#include <limits>

namespace {

// The compiler may not know the values.
volatile double nan_value = std::numeric_limits<double>::quiet_NaN();
volatile double infinity = std::numeric_limits<double>::infinity();
volatile double denormal = std::numeric_limits<double>::denorm_min();
volatile double minus_zero = -0.0;
volatile double large = 1e20;
volatile double one = 1.0;

int failures = 0;

void expect(bool holds, const char* what) {
  if (!holds) {
    std::printf("not so: %s\n", what);
    ++failures;
  }
}

}  // namespace

int main() {
  const double x = nan_value;
  expect(std::isnan(x) && !std::isfinite(x), "NaN is seen");
  expect(std::isinf(infinity), "infinity is seen");
  expect(denormal * one > 0.0, "denormals are not flushed");
  const double zero = minus_zero;
  expect(!std::signbit(zero + 0.0), "-0 + 0 is 0");
  const double a = large;
  const double b = one;
  expect((a + b) - a == 0.0, "sums are as written");
  return failures == 0 ? 0 : 1;
}
