// SPDX-License-Identifier: Apache-2.0
// Running a probe in the host executor.
#pragma once

#include <algorithm>

#include "call/backend.h"
#include "cuda/ptx_expectations.h"
#include "cuda/ptx_probes.h"
#include "support/catch.h"

namespace accrete::test {

/// The probe of a case in a list; fails the test when there is none or its sizes differ.
inline const Probe& find_probe(const std::vector<Probe>& probes, const ProbeCase& probe_case) {
  const auto found = std::find_if(probes.begin(), probes.end(), [&](const Probe& probe) {
    return probe.name == probe_case.probe;
  });
  REQUIRE(found != probes.end());
  REQUIRE(found->words_in == probe_case.in.size());
  REQUIRE(found->words_out == probe_case.expected.size());
  return *found;
}

inline Words run_on_executor(const ProbeCase& probe_case) {
  static const kernels::Backend no_ops{};
  const Probe& probe = find_probe(executor::ptx_probes(), probe_case);
  Words out(probe.words_out, 0xFFFFFFFFU);
  executor::launch_probe(Stream::cuda(0, nullptr, no_ops), probe, probe_case.in.data(), out.data());
  return out;
}

}  // namespace accrete::test
