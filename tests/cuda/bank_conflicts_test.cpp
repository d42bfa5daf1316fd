// SPDX-License-Identifier: Apache-2.0
// Every tile of the bf16 convolutions is read from shared memory without bank conflicts: each
// phase of an ldmatrix, eight rows of 16 bytes, takes one cycle.
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
void expect_conflict_free(const char* what, const ConvProblem& problem, const Call& call) {
  INFO(what << " of " << describe(problem));
  const ConvCase data(problem, Fill::whole);
  simt::matrix_loads() = {};
  call(data);
  const simt::MatrixLoads loads = simt::matrix_loads();
  CHECK(loads.phases > 0);
  CHECK(loads.cycles == loads.phases);
}

}  // namespace

// Channels and filters choose the tile: forward by K (up to 32, 64, more), dgrad by C, wgrad by K
// (up to 32, more).
TEST_CASE("ldmatrix of bf16 convolutions is free of bank conflicts") {
  for (const std::int64_t channels : {16, 64, 136}) {
    for (const std::int64_t filters : {32, 48, 136}) {
      const ConvProblem problem{1, 6, 7, channels, filters, 3, 3, 1, 1, 1, 1};
      expect_conflict_free("forward", problem,
                           [](const ConvCase& data) { run_forward(data, bf16_run(), true); });
      expect_conflict_free("dgrad", problem, [](const ConvCase& data) {
        run_dgrad(data, bf16_run(), GradMode::overwrite);
      });
      expect_conflict_free("wgrad", problem, [](const ConvCase& data) {
        run_wgrad(data, bf16_run(), GradMode::overwrite);
      });
    }
  }
}
