// SPDX-License-Identifier: Apache-2.0
// Gradients that are known to be zero, as one fill: each is the front of the longest one. Nobody
// writes into a gradient that another one shares, since both are outputs.
#include <algorithm>

#include "accrete/engine/ops.h"
#include "ops/zero_gradient.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

// Whether a node makes zeros for a vector of channels.
bool is_zero_vector(const Graph& graph, const Node& node) {
  return is_zero_gradient(*node.op) && graph.value(node.outputs[0]).type.shape.pixels() == 1;
}

std::int64_t longest_zero_vector(const Graph& graph) {
  std::int64_t channels = 0;
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    if (is_zero_vector(graph, node)) {
      channels = std::max(channels, graph.value(node.outputs[0]).type.shape.c);
    }
  }
  return channels;
}

}  // namespace

DifferentiatedModel zero_gradients_once(const DifferentiatedModel& from) {
  const Graph& graph = from.model.graph;
  const std::int64_t longest = longest_zero_vector(graph);
  GraphCopy copy(from.model);
  ValueId zeros = kNoValue;
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    if (!is_zero_vector(graph, node)) {
      copy.copy(node);
      continue;
    }
    if (zeros == kNoValue) {
      const auto fill = make_zero_gradient(channel_vector(longest));
      zeros = copy.graph().add_node("zeros", fill, {})[0];
    }
    const std::int64_t channels = graph.value(node.outputs[0]).type.shape.c;
    copy.map(node.outputs[0], ops::channel_slice(copy.graph(), node.name, zeros, 0, channels));
  }
  return copy.finish(from.gradients);
}

}  // namespace accrete
