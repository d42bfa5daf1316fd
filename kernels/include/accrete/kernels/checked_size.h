// SPDX-License-Identifier: Apache-2.0
// Arithmetic on sizes that come from outside: extents, counts, offsets and bytes that a file, a
// spec or a command line names.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "accrete/kernels/error.h"

namespace accrete {

/// A whole number from 0 to 2^63 - 1, or the knowledge that it is none: below zero, or too large.
/// Sums and products never wrap, and what is no size stays none in everything computed from it, so
/// one question at the end of a formula is enough.
class CheckedSize {
 public:
  constexpr CheckedSize() = default;
  constexpr CheckedSize(std::int64_t value)  // NOLINT: numbers take part in formulas
      : value_(value < 0 ? kNone : value) {}
  /// For the u64 of file formats.
  static constexpr CheckedSize of_unsigned(std::uint64_t value) {
    return value > static_cast<std::uint64_t>(INT64_MAX)
               ? CheckedSize(kNone)
               : CheckedSize(static_cast<std::int64_t>(value));
  }

  constexpr bool valid() const { return value_ != kNone; }
  /// Whether it is a size, and at most `limit`.
  constexpr bool at_most(std::int64_t limit) const { return valid() && value_ <= limit; }
  /// The number. Throws Error(code, message) if there is none.
  std::int64_t value_or_throw(ErrorCode code, const std::string& message) const {
    if (!valid()) {
      throw Error(code, message);
    }
    return value_;
  }
  /// The number, or `fallback` if there is none.
  constexpr std::int64_t value_or(std::int64_t fallback) const {
    return valid() ? value_ : fallback;
  }

  friend constexpr CheckedSize operator+(CheckedSize a, CheckedSize b) {
    std::int64_t sum = 0;
    const bool fits = a.valid() && b.valid() && !__builtin_add_overflow(a.value_, b.value_, &sum);
    return fits ? sum : kNone;
  }
  friend constexpr CheckedSize operator*(CheckedSize a, CheckedSize b) {
    std::int64_t product = 0;
    const bool fits =
        a.valid() && b.valid() && !__builtin_mul_overflow(a.value_, b.value_, &product);
    return fits ? product : kNone;
  }
  constexpr CheckedSize& operator+=(CheckedSize other) { return *this = *this + other; }
  constexpr CheckedSize& operator*=(CheckedSize other) { return *this = *this * other; }

 private:
  static constexpr std::int64_t kNone = -1;
  std::int64_t value_ = 0;
};

/// The product of all; 1 of none.
constexpr CheckedSize checked_product(std::initializer_list<std::int64_t> factors) {
  CheckedSize product = 1;
  for (const std::int64_t factor : factors) {
    product *= factor;
  }
  return product;
}

}  // namespace accrete
