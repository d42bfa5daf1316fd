// SPDX-License-Identifier: Apache-2.0
// Graphs on paper: the forward graph as the model builder wrote it, what the passes did, and the
// step that runs.
#pragma once

#include "accrete/engine/step_plan.h"

namespace accrete::apps {

enum class GraphFormat : std::uint8_t { none, text, dot };

/// Prints `before` and the step of `plan` to stdout: as tables with the notes of the passes between
/// them, or as two digraphs for Graphviz.
void print_graphs(const ModelGraph& before, const StepPlan& plan, GraphFormat format);

}  // namespace accrete::apps
