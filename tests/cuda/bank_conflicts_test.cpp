// SPDX-License-Identifier: Apache-2.0
// The bf16 convolutions read shared memory without bank conflicts: each phase of an ldmatrix, eight
// rows of 16 bytes, takes one cycle. Where eight neighbouring pixels of a 3x3 convolution end one
// row of the image and begin the next, two of them may meet.
#include "kernels/conv_case.h"
#include "kernels/conv_problems.h"
#include "simt/executor.h"

using namespace accrete;
using namespace accrete::test;

namespace {

Run bf16_run() {
  return {test_stream(0), {}, {}, DType::bf16};
}

template <class Call>
void expect_cycles(const char* what, const ConvProblem& problem, double most_per_phase,
                   const Call& call) {
  INFO(what << " of " << describe(problem));
  const ConvCase data(problem);
  simt::matrix_loads() = {};
  call(data);
  const simt::MatrixLoads loads = simt::matrix_loads();
  CHECK(loads.phases > 0);
  CHECK(static_cast<double>(loads.cycles) <= most_per_phase * static_cast<double>(loads.phases));
}

void expect_cycles_of_all(const ConvProblem& problem, double pixels, double slots) {
  expect_cycles("forward", problem, pixels,
                [](const ConvCase& data) { run_forward(data, bf16_run(), {.bias = true}); });
  expect_cycles("dgrad", problem, pixels,
                [](const ConvCase& data) { run_dgrad(data, bf16_run(), {}); });
  expect_cycles("wgrad", problem, slots,
                [](const ConvCase& data) { run_wgrad(data, bf16_run(), {}); });
}

}  // namespace

// Channels and filters choose the tile: forward by K (up to 32, 64, more), dgrad by C, wgrad by K
// (up to 32, more).
TEST_CASE("ldmatrix of bf16 1x1 convolutions is free of bank conflicts") {
  for (const std::int64_t channels : {16, 64, 136}) {
    for (const std::int64_t filters : {32, 48, 136}) {
      expect_cycles_of_all({1, 12, 13, channels, filters, 1, 1, 1, 1, 0, 0}, 1.0, 1.0);
    }
  }
}

TEST_CASE(
    "ldmatrix of bf16 3x3 convolutions has few bank conflicts, the fewer the wider the image") {
  for (const std::int64_t filters : {32, 48, 136}) {
    expect_cycles_of_all({3, 6, 7, 64, filters, 3, 3, 1, 1, 1, 1}, 1.5, 1.0);
    expect_cycles_of_all({1, 9, 28, 64, filters, 3, 3, 1, 1, 1, 1}, 1.1, 1.0);
  }
  expect_cycles_of_all({1, 7, 56, 64, 32, 3, 3, 1, 1, 1, 1}, 1.05, 1.0);
}
