// SPDX-License-Identifier: Apache-2.0
// Fused convolutions under the race detector: packs changed in place, column totals, partial sums.
#include "kernels/conv_problems.h"
#include "kernels/fused_conv_case.h"
#include "simt/race.h"

using namespace accrete;
using namespace accrete::test;

TEST_CASE("fused convolutions do not race") {
  // Two tiles of pixels with a rest; the last one with two ranges for the gradient of the weights.
  for (const ConvProblem& problem : std::vector<ConvProblem>{{2, 9, 16, 24, 40, 3, 3, 1, 1, 1, 1},
                                                             {1, 12, 12, 72, 72, 1, 1, 1, 1, 0, 0},
                                                             {2, 9, 16, 40, 8, 1, 1, 1, 1, 0, 0}}) {
    const FusedConvCase data(problem);
    for (const DType dtype : {DType::f32, DType::bf16}) {
      INFO(describe(problem) << " " << dtype_name(dtype));
      const std::uint64_t before = simt::watched_accesses();
      const Run run{test_stream(0).with_float_math(FloatMath::tf32), layouts()[2], layouts()[0],
                    dtype};
      Outputs outputs;
      append_forward(data, run, outputs);
      append_dgrad(data, run, outputs);
      append_wgrad(data, run, outputs);
      append_backward(data, run, {true, true, GradMode::accumulate, GradMode::overwrite}, outputs);
      CHECK(simt::watched_accesses() > before + 1000);
      std::vector<Expected> expected;
      expect_forward(data, expected, dtype);
      CHECK(difference(outputs[0], expected[0].values, {}) == "");
    }
  }
}

// Seven ranges of pixels in three groups; in between, the ring of pixels of the 3x3 is gone through
// several times.
TEST_CASE("the sum of ranges of pixels does not race") {
  for (const ConvProblem& problem : std::vector<ConvProblem>{{1, 60, 60, 8, 8, 3, 3, 1, 1, 1, 1},
                                                             {1, 64, 56, 8, 8, 1, 1, 1, 1, 0, 0}}) {
    INFO(describe(problem));
    const FusedConvCase data(problem);
    const std::uint64_t before = simt::watched_accesses();
    Outputs outputs;
    append_wgrad(data, {test_stream(0), layouts()[2], layouts()[0], DType::bf16}, outputs);
    CHECK(simt::watched_accesses() > before + 1000);
    std::vector<Expected> expected;
    expect_wgrad(data, expected);
    check_outputs(outputs, expected);
  }
}
