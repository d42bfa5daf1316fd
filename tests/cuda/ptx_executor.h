// SPDX-License-Identifier: Apache-2.0
// Running a probe in the host executor.
#pragma once

#include "cuda/ptx_expectations.h"
#include "cuda/ptx_probes.h"

namespace accrete::test {

/// The probe of a case in a list; fails the test when there is none or its sizes differ.
const Probe& find_probe(const std::vector<Probe>& probes, const ProbeCase& probe_case);

Words run_on_executor(const ProbeCase& probe_case);

}  // namespace accrete::test
