// SPDX-License-Identifier: Apache-2.0
// Convolutions in bf16, with every optional part and without. The data have so few binary places
// that they, what NormRelu makes of them and gradients with everything applied are exact in bf16:
// sums are exact too, a result is rounded once, and statistics are those of the rounded values.
#include <vector>

#include "kernels/conv_case.h"
#include "kernels/conv_problems.h"

using namespace accrete;
using namespace accrete::test;

namespace {

std::vector<ConvProblem> problems() {
  std::vector<ConvProblem> all = conv_problems();
  all.push_back({1, 3, 3, 300, 40, 1, 1, 1, 1, 0, 0});
  all.push_back({1, 5, 4, 130, 33, 3, 3, 1, 1, 1, 1});
  all.push_back({2, 31, 23, 12, 10, 3, 3, 1, 1, 1, 1});
  all.push_back({3, 25, 29, 35, 20, 1, 1, 1, 1, 0, 0});
  return all;
}

// The same call, in bf16.
std::function<Outputs(const Run&)> in_bf16(const std::function<Outputs(const Run&)>& body) {
  return [body](Run run) {
    run.dtype = DType::bf16;
    return body(run);
  };
}

}  // namespace

TEST_CASE("plain convolutions in bf16 round exact sums once") {
  for (const ConvProblem& problem : problems()) {
    INFO(describe(problem));
    const ConvCase data(problem);
    expect_every_run(expected_plain(data, DType::bf16),
                     in_bf16([&](const Run& run) { return plain_outputs(data, run); }));
  }
}

TEST_CASE("convolutions in bf16, with and without each part") {
  for (const ConvProblem& problem : problems()) {
    INFO(describe(problem));
    const ConvCase data(problem);
    std::vector<Expected> expected = expected_forwards(data, DType::bf16);
    append(expected, expected_dgrads(data, DType::bf16));
    append(expected, expected_wgrads(data));
    expect_every_run(expected, in_bf16([&](const Run& run) {
                       Outputs outputs = forward_outputs(data, run);
                       append(outputs, dgrad_outputs(data, run));
                       append(outputs, wgrad_outputs(data, run));
                       return outputs;
                     }));
  }
}
