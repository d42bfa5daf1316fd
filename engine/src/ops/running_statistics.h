// SPDX-License-Identifier: Apache-2.0
// The update of all running statistics, once per step.
#pragma once

#include <string>
#include <vector>

#include "accrete/engine/graph.h"

namespace accrete {

/// One batch norm: the batch statistics and the running ones they go into.
struct RunningUpdate {
  ValueId mean = kNoValue, variance = kNoValue;
  ValueId running_mean = kNoValue, running_var = kNoValue;
  std::int64_t pixels = 0;  ///< that the batch statistics are over
  float momentum = 0.1F;
};

/// Appends one node without outputs.
void add_running_statistics(Graph& graph, const std::string& name,
                            const std::vector<RunningUpdate>& updates);

}  // namespace accrete
