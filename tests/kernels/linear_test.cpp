// SPDX-License-Identifier: Apache-2.0
#include "kernels/linear_case.h"

using namespace accrete;
using namespace accrete::test;

TEST_CASE("linear layers match the definition for every shape and placement") {
  for (const ConvProblem& problem : linear_problems()) {
    INFO("N " << problem.N << ", C " << problem.C << ", K " << problem.K);
    const ConvCase data(problem, Fill::whole);
    expect_every_run(expected_outputs(data, Fill::whole),
                     [&](const Run& run) { return linear_outputs(data, run); });
  }
}
