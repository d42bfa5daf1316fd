// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/elementwise.h"

#include <cmath>
#include <limits>

#include "kernels/every_run.h"
#include "reference/operations.h"
#include "support/random_fill.h"

using namespace accrete;
using namespace accrete::test;

namespace {

constexpr RandomKey kKey = {0x123456789ABCDEFULL, 0xFEDCBA987654321ULL};

kernels::Dropout dropout(float rate, const ConstTensorView& x, const TensorView& y,
                         GradMode mode = GradMode::overwrite) {
  return {rate, kKey, x, y, mode};
}

}  // namespace

TEST_CASE("Philox gives the published known answers") {
  using Words = std::array<std::uint32_t, 4>;
  constexpr std::uint64_t kOnes = std::numeric_limits<std::uint64_t>::max();
  CHECK(philox({0, 0}, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({kOnes, kOnes}, kOnes) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x299f31d0a4093822ULL, 0x0370734413198a2eULL}, 0x85a308d3243f6a88ULL) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  CHECK(reference::philox({0, 0, 0, 0}, {0, 0}) == philox({0, 0}, 0));
}

TEST_CASE("dropout keeps the same elements for every shape, placement and thread count") {
  for (const Shape& shape : row_shapes()) {
    INFO("shape " << to_string(shape));
    const auto x = uniform(shape.elements(), 1);
    const auto before = uniform(shape.elements(), 2);
    const auto y =
        reference::dropout(static_cast<double>(0.2F), kKey.seed, kKey.stream, widened(x));
    const Tolerance tolerance = {2e-7, 2e-7};
    expect_every_run({{y, tolerance}, {plus(y, before), tolerance}, {y, tolerance}},
                     [&](const Run& run) -> Outputs {
                       GuardedTensor input = filled(shape, run.in, x);
                       GuardedTensor overwritten = poisoned(shape, run.out);
                       GuardedTensor accumulated = filled(shape, run.out, before);
                       run_call(run.stream, dropout(0.2F, input.view(), overwritten.view()));
                       run_call(run.stream, dropout(0.2F, input.view(), accumulated.view(),
                                                    GradMode::accumulate));
                       run_call(run.stream, dropout(0.2F, input.view(), input.view()));
                       require_undamaged({&input, &overwritten, &accumulated});
                       return {overwritten.values(), accumulated.values(), input.values()};
                     });
  }
}

TEST_CASE("the share of kept elements is 1 - rate, and other keys keep others") {
  const Shape shape{1, 100, 100, 10};
  const GuardedTensor ones = filled(shape, {}, std::vector<float>(100000, 1.0F));
  const Stream stream = test_stream(1);
  for (const float rate : {0.0F, 0.1F, 0.5F, 0.9F}) {
    GuardedTensor y = poisoned(shape, {});
    run_call(stream, dropout(rate, ones.view(), y.view()));
    double kept = 0.0;
    for (const float value : y.values()) {
      kept += value != 0.0F ? 1.0 : 0.0;
    }
    // Five standard deviations of a binomial count.
    const auto p = 1.0 - static_cast<double>(rate);
    INFO("rate " << rate << ", kept " << kept);
    CHECK(std::fabs(kept - 1e5 * p) <= 5.0 * std::sqrt(1e5 * p * (1.0 - p)));
  }
  GuardedTensor a = poisoned(shape, {});
  GuardedTensor b = poisoned(shape, {});
  run_call(stream, dropout(0.5F, ones.view(), a.view()));
  kernels::Dropout other = dropout(0.5F, ones.view(), b.view());
  ++other.key.stream;
  run_call(stream, other);
  CHECK(exact_difference(a.values(), b.values()) != "");
}

TEST_CASE("a dropped NaN becomes 0") {
  const Shape shape{1, 10, 10, 10};
  const std::vector<float> x(1000, std::numeric_limits<float>::quiet_NaN());
  const auto expected = reference::dropout(0.5, kKey.seed, kKey.stream, widened(x));
  expect_every_run({{expected, {}}}, [&](const Run& run) -> Outputs {
    const GuardedTensor input = filled(shape, run.in, x);
    GuardedTensor y = poisoned(shape, run.out);
    run_call(run.stream, dropout(0.5F, input.view(), y.view()));
    return {y.values()};
  });
}

TEST_CASE("dropout errors name the op and both shapes") {
  const auto error = [](const auto& call) {
    return error_of([&] { kernels::run(test_stream(0), call); });
  };
  GuardedTensor x({2, 3, 3, 8});
  GuardedTensor y({2, 3, 3, 9});
  CHECK(error(dropout(0.5F, x.view(), y.view())) == "[dropout] y is [2,3,3,9], expected [2,3,3,8]");
  CHECK(error(dropout(1.0F, x.view(), x.view())) ==
        "[dropout] rate is 1.000000, must be in [0, 1)");
}
