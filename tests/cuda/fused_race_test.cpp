// SPDX-License-Identifier: Apache-2.0
// Fused convolutions under the race detector: packs changed in place, column totals, partial sums.
#include "kernels/conv_case.h"
#include "kernels/conv_problems.h"
#include "simt/executor.h"

using namespace accrete;
using namespace accrete::test;

TEST_CASE("fused convolutions do not race") {
  // Two tiles of pixels with a rest; the last one with two ranges for the gradient of the weights.
  for (const ConvProblem& problem : std::vector<ConvProblem>{{2, 9, 16, 24, 40, 3, 3, 1, 1, 1, 1},
                                                             {1, 12, 12, 72, 72, 1, 1, 1, 1, 0, 0},
                                                             {2, 9, 16, 40, 8, 1, 1, 1, 1, 0, 0}}) {
    const ConvCase data(problem);
    for (const DType dtype : {DType::f32, DType::bf16}) {
      INFO(describe(problem) << " " << dtype_name(dtype));
      const std::uint64_t before = simt::watched_accesses();
      const Run run{test_stream(0).with_float_math(FloatMath::tf32), layouts()[2], layouts()[0],
                    dtype};
      const Outputs outputs = forward_outputs(data, run);
      dgrad_outputs(data, run);
      wgrad_outputs(data, run);
      run_backward(data, run, {Through::batch_norm, true, GradMode::accumulate});
      CHECK(simt::watched_accesses() > before + 1000);
      CHECK(difference(outputs[0], expected_forward(data, {}, dtype)[0].values, {}) == "");
    }
  }
}

// Seven ranges of pixels in three groups; in between, the ring of pixels of the 3x3 is gone through
// several times.
TEST_CASE("the sum of ranges of pixels does not race") {
  for (const ConvProblem& problem : std::vector<ConvProblem>{{1, 60, 60, 8, 8, 3, 3, 1, 1, 1, 1},
                                                             {1, 64, 56, 8, 8, 1, 1, 1, 1, 0, 0}}) {
    INFO(describe(problem));
    const ConvCase data(problem);
    const std::uint64_t before = simt::watched_accesses();
    const Outputs outputs =
        wgrad_outputs(data, {test_stream(0), layouts()[2], layouts()[0], DType::bf16});
    CHECK(simt::watched_accesses() > before + 1000);
    check_outputs(outputs, expected_wgrads(data));
  }
}
