// SPDX-License-Identifier: Apache-2.0
// What inspect prints.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/engine/passes.h"
#include "accrete/engine/step_plan.h"
#include "accrete/models/run_spec.h"

namespace accrete::apps {

// Graphs on paper: the forward graph as the model builder wrote it, what the passes did, and the
// step that runs.

enum class GraphFormat : std::uint8_t { none, text, dot, json };

/// Prints `before` and the step of `plan` to stdout: as tables with the notes of the passes between
/// them, as two digraphs for Graphviz, or as one JSON document for programs:
///
///   format, version   "accrete graph", 1
///   device            "cpu" or "cuda"
///   passes            name, nodes_before, nodes_after, notes
///   forward, step     the two graphs: values and nodes, which name values by their index
///     values          name, kind (input, parameter, state, rounded, intermediate), dtype,
///                     shape [N,H,W,C], bytes; in the step also storage, channel_offset and pitch
///                     (in channels), but for values that nothing uses
///     nodes           op, name, inputs, outputs, macs, bytes_moved (if no cache helps); in
///                     the step also workspace_bytes, and free where there is nothing to do
///     bytes_moved     step only: the sum over its nodes
void print_graphs(const ModelGraph& before, const StepPlan& plan, Device device,
                  GraphFormat format);

// The tables `inspect` prints.

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
