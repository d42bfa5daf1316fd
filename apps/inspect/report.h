// SPDX-License-Identifier: Apache-2.0
// The tables `inspect` prints.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/engine/passes.h"
#include "accrete/models/run_spec.h"

namespace accrete::apps {

struct InspectOptions {
  std::string spec_path;
  std::vector<models::SpecOverride> overrides;
  std::int64_t batch = 0;       ///< 0: the spec's batch size
  std::int64_t budget_mib = 0;  ///< 0: no search for the largest batch
  PassSwitches passes;
  Device device;  ///< whose workspaces the plan counts; need not be there
};

void print_report(const InspectOptions& options);

}  // namespace accrete::apps
