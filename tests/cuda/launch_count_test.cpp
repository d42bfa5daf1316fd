// SPDX-License-Identifier: Apache-2.0
// How many kernels a call queues: with tickets, sums over a batch need none of their own.
#include <array>

#include "kernels/conv_case.h"
#include "simt/executor.h"

using namespace accrete;
using namespace accrete::test;

namespace {

// Launches of `call(run)`, recorded and never run.
template <class Call>
std::size_t launches(bool with_tickets, const Call& call) {
  std::array<std::uint32_t, kTicketCount> tickets{};
  simt::Recorder recorder{true, {}};
  Stream stream = Stream::cuda(0, &recorder, test_stream(0).backend());
  if (with_tickets) {
    stream = stream.with_tickets({tickets.data(), kTicketCount});
  }
  call(Run{stream, layouts()[2], layouts()[0], DType::bf16});
  return recorder.launches.size();
}

}  // namespace

TEST_CASE("convolutions with parts take one launch") {
  const ConvCase data({1, 12, 12, 72, 40, 3, 3, 1, 1, 1, 1});
  for (const bool tickets : {true, false}) {
    INFO("tickets " << tickets);
    const std::size_t zeroing = tickets ? 0 : 1;
    // Four calls, two with statistics; twelve calls, eight with a norm; four calls.
    CHECK(launches(tickets, [&](const Run& run) { forward_outputs(data, run); }) ==
          4 + 2 * zeroing);
    CHECK(launches(tickets, [&](const Run& run) { dgrad_outputs(data, run); }) == 12 + 8 * zeroing);
    CHECK(launches(tickets, [&](const Run& run) { wgrad_outputs(data, run); }) == 4);
  }
}

TEST_CASE("ranges of pixels of the weights' gradient need no launch but for tickets") {
  const ConvCase data({1, 60, 60, 24, 40, 3, 3, 1, 1, 1, 1});
  for (const bool tickets : {true, false}) {
    CHECK(launches(tickets, [&](const Run& run) { wgrad_outputs(data, run); }) ==
          (tickets ? 4 : 8));
  }
}

TEST_CASE("both gradients take one launch where there are kernels with two roles") {
  const auto backward = [](const ConvProblem& problem, bool with_norm) {
    const ConvCase data(problem);
    const BackwardParts parts{with_norm ? Through::batch_norm : Through::nothing, true};
    return launches(true, [&](const Run& run) { run_backward(data, run, parts); });
  };
  CHECK(backward({1, 12, 12, 72, 40, 3, 3, 1, 1, 1, 1}, true) == 1);
  CHECK(backward({1, 12, 12, 72, 40, 3, 3, 1, 1, 1, 1}, false) == 2);
  CHECK(backward({1, 12, 12, 12, 40, 3, 3, 1, 1, 1, 1}, true) == 1);  // half packs
  // No half packs: one launch more for the ranges of the weights.
  CHECK(backward({1, 12, 12, 70, 40, 3, 3, 1, 1, 1, 1}, true) == 3);
}
