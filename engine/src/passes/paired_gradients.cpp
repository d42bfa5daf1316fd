// SPDX-License-Identifier: Apache-2.0
// The gradients of a convolution's weights and data as one node. Both read x and the gradient of y,
// and on a GPU one launch computes them side by side.
#include "accrete/engine/op.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

// What both read is the same, and there is a norm.
bool can_be_one(const Node& first, const Node& second) {
  if (first.op != second.op || !first.op->traits().computes_side_by_side ||
      !first.inputs.has(Slot::mean) || !second.inputs.has(Slot::mean)) {
    return false;
  }
  for (const auto& [slot, value] : first.inputs) {
    if (second.inputs.has(slot) && second.inputs[slot] != value) {
      return false;
    }
  }
  return true;
}

}  // namespace

// Their backward rule puts the two next to each other, the weights first.
DifferentiatedModel pair_gradients(const DifferentiatedModel& from) {
  const Graph& graph = from.model.graph;
  GraphCopy copy(from.model);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& weights = graph.node(id);
    if (id + 1 == graph.num_nodes() || !can_be_one(weights, graph.node(id + 1))) {
      copy.copy(weights);
      continue;
    }
    const Node& data = graph.node(++id);
    Node both = data;
    for (const auto& [slot, value] : weights.inputs) {
      if (!both.inputs.has(slot)) {
        both.inputs.add(slot, value);
      }
    }
    both.outputs = data.outputs + weights.outputs;
    copy.add(both, copy.mapped(both));
  }
  return copy.finish(from);
}

}  // namespace accrete
