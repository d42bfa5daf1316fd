// SPDX-License-Identifier: Apache-2.0
// The host executor does what the PTX ISA says: probes against expectations written from it.
#include <algorithm>

#include "cuda/ptx_executor.h"
#include "cuda/ptx_expectations.h"
#include "simt/executor.h"
#include "support/catch.h"

using namespace accrete;
using namespace accrete::test;

TEST_CASE("the host executor conforms to the PTX ISA") {
  for (const simt::Order order : {simt::Order::forward, simt::Order::reverse}) {
    simt::set_schedule({order});
    for (const ProbeCase& probe : probe_cases()) {
      INFO(probe.probe << (order == simt::Order::forward ? " forward" : " reverse"));
      CHECK(mismatch(probe.match, run_on_executor(probe), probe.expected) == "");
    }
  }
}

TEST_CASE("every probe has a case") {
  const auto cases = probe_cases();
  for (const Probe& probe : executor::ptx_probes()) {
    INFO(probe.name);
    CHECK(std::any_of(cases.begin(), cases.end(),
                      [&](const ProbeCase& c) { return c.probe == probe.name; }));
  }
}

TEST_CASE("words that differ are a mismatch") {
  CHECK(mismatch(Match::bits, {1, 2}, {1, 3}) != "");
  CHECK(mismatch(Match::bits, {1}, {1, 3}) != "");
  CHECK(mismatch(Match::tf32, {0x3F802000U}, {0x3F800000U}) != "");
  CHECK(mismatch(Match::tf32, {0x3F801FFFU}, {0x3F800000U}) == "");
  CHECK(mismatch(Match::tf32, {0x7FC00000U}, {0x7F800000U}) != "");
  CHECK(mismatch(Match::close, {0x7FC00000U}, {0x7FC00000U}) != "");
  CHECK(mismatch(Match::close, {0x3F800000U}, {0x3F810000U}) != "");
}
