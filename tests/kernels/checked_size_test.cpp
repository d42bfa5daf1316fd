// SPDX-License-Identifier: Apache-2.0
// Sizes that come from outside: exact, or known to be none.
#include "accrete/kernels/checked_size.h"

#include <limits>

#include "accrete/kernels/shape.h"
#include "support/catch.h"

namespace accrete {
namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

}  // namespace

TEST_CASE("sums and products that fit are exact") {
  CHECK((CheckedSize(3) * 5 + 7).value_or(-1) == 22);
  CHECK((CheckedSize(kLargest) + 0).value_or(-1) == kLargest);
  CHECK((CheckedSize(kLargest) * 1).value_or(-1) == kLargest);
  CHECK((CheckedSize(std::int64_t{1} << 31) * (std::int64_t{1} << 31)).value_or(-1) ==
        std::int64_t{1} << 62);
  CHECK(CheckedSize().value_or(-1) == 0);
  CHECK(checked_product({2, 3, 7}).value_or(-1) == 42);
  CHECK(checked_product({}).value_or(-1) == 1);
  CHECK(checked_product({4, 0, 9}).value_or(-1) == 0);
}

TEST_CASE("what wraps, or is negative, is no size, and stays none") {
  CHECK_FALSE((CheckedSize(kLargest) + 1).valid());
  CHECK_FALSE((CheckedSize(std::int64_t{1} << 32) * (std::int64_t{1} << 31)).valid());
  CHECK_FALSE((CheckedSize(kLargest) * 2 * 0).valid());
  CHECK_FALSE((0 * (CheckedSize(kLargest) * 2)).valid());
  CHECK_FALSE(CheckedSize(-1).valid());
  CHECK_FALSE((CheckedSize(std::numeric_limits<std::int64_t>::min()) + 5).valid());
  CHECK_FALSE(checked_product({1 << 20, 1 << 20, 1 << 20, 1 << 20}).valid());
  CheckedSize sum = kLargest - 1;
  sum += 1;
  CHECK(sum.valid());
  sum += 1;
  CHECK_FALSE(sum.valid());
}

TEST_CASE("a u64 above 2^63 - 1 is no size") {
  CHECK(CheckedSize::of_unsigned(static_cast<std::uint64_t>(kLargest)).value_or(-1) == kLargest);
  CHECK_FALSE(CheckedSize::of_unsigned(static_cast<std::uint64_t>(kLargest) + 1).valid());
  CHECK_FALSE(CheckedSize::of_unsigned(std::numeric_limits<std::uint64_t>::max()).valid());
}

TEST_CASE("a limit refuses what is above it and what is no size") {
  CHECK(CheckedSize(10).at_most(10));
  CHECK_FALSE(CheckedSize(11).at_most(10));
  CHECK_FALSE((CheckedSize(kLargest) * 2).at_most(kLargest));
}

TEST_CASE("the number is had with an error of one's own") {
  CHECK(CheckedSize(4).value_or_throw(ErrorCode::data, "unused") == 4);
  try {
    (CheckedSize(kLargest) + kLargest).value_or_throw(ErrorCode::data, "the set is too large");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::data);
    CHECK(std::string(error.what()) == "the set is too large");
  }
}

TEST_CASE("a tensor has at most 2^40 elements and no empty extent") {
  CHECK_NOTHROW(check_shape({1 << 10, 1 << 10, 1 << 10, 1 << 10}, "x"));
  using Catch::Matchers::Contains;
  CHECK_THROWS_WITH(check_shape({1 << 10, 1 << 10, 1 << 10, (1 << 10) + 1}, "x"),
                    Contains("impossible shape") && Contains("2^40"));
  CHECK_THROWS_WITH(check_shape({kLargest, kLargest, kLargest, kLargest}, "x"), Contains("2^40"));
  CHECK_THROWS_WITH(check_shape({1, 0, 1, 1}, "x"), Contains("[1,0,1,1]"));
  CHECK_THROWS_WITH(check_shape({1, 1, -1, -1}, "x"), Contains("[1,1,-1,-1]"));
}

}  // namespace accrete
