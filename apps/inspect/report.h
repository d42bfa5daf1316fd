// SPDX-License-Identifier: Apache-2.0
// The tables `inspect` prints.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/engine/passes.h"
#include "accrete/models/run_spec.h"
#include "graph_dump.h"

namespace accrete::apps {

/// A pebibyte: more than any machine has, and its bytes can be counted.
constexpr std::int64_t kMostBudgetMib = std::int64_t{1} << 30;

struct InspectOptions {
  std::string spec_path;
  std::vector<models::SpecOverride> overrides;
  std::int64_t budget_mib = 0;  ///< 0: no search for the largest batch
  PassSwitches passes;
  GraphFormat graph = GraphFormat::none;  ///< print the graphs instead of the tables
  Device device;                          ///< whose workspaces the plan counts; need not be there
};

void print_report(const InspectOptions& options);

}  // namespace accrete::apps
