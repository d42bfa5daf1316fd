// SPDX-License-Identifier: Apache-2.0
// Gradients that are known to be zero, as one fill: each is the front of the longest one. Nobody
// writes into a gradient that another one shares, since both are outputs.
#include <algorithm>

#include "accrete/engine/ops.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

// The zeros that a node makes for a vector of channels, or kNoValue.
ValueId zero_vector(const Graph& graph, const Node& node) {
  const ValueId zeros = node.outputs[Slot::zeros];
  return zeros != kNoValue && graph.value(zeros).type.shape.pixels() == 1 ? zeros : kNoValue;
}

}  // namespace

DifferentiatedModel zero_gradients_once(const DifferentiatedModel& from) {
  const Graph& graph = from.model.graph;
  std::int64_t longest = 0;
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const ValueId zeros = zero_vector(graph, graph.node(id));
    longest = std::max(longest, zeros != kNoValue ? graph.value(zeros).type.shape.c : 0);
  }
  GraphCopy copy(from.model);
  ValueId shared = kNoValue;
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    const ValueId zeros = zero_vector(graph, node);
    if (zeros == kNoValue) {
      copy.copy(node);
      continue;
    }
    if (shared == kNoValue) {
      shared = ops::zeros(copy.graph(), "zeros", channel_vector(longest));
    }
    copy.map(zeros, ops::channel_slice(copy.graph(), node.name, shared, 0,
                                       graph.value(zeros).type.shape.c));
  }
  return copy.finish(from);
}

}  // namespace accrete
