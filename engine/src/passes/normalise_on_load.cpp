// SPDX-License-Identifier: Apache-2.0
// NormRelu whose only reader can apply it to what it loads: nothing normalised is ever stored.
#include "accrete/engine/op.h"
#include "ops/norm_relu.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

bool is_norm_relu(const Node& node) {
  return dynamic_cast<const NormReluForward*>(node.op.get()) != nullptr;
}

// The reader that takes the node in, or kNoNode.
NodeId absorbing_reader(const Graph& graph, const Node& node,
                        const std::vector<std::vector<NodeId>>& readers, PassNotes& notes) {
  const auto& used = readers[static_cast<std::size_t>(node.outputs[0])];
  if (used.size() != 1 || graph.is_output(node.outputs[0])) {
    notes.push_back(node.name + ": stored, it has " + std::to_string(used.size()) + " readers");
    return kNoNode;
  }
  const Node& reader = graph.node(used[0]);
  if (reader.inputs[0] != node.outputs[0] || reader.op->with_norm_on_load() == nullptr) {
    notes.push_back(node.name + ": stored, " + reader.op->name() + " cannot apply it on load");
    return kNoNode;
  }
  return used[0];
}

}  // namespace

ModelGraph normalise_on_load(const ModelGraph& model, PassNotes& notes) {
  const Graph& graph = model.graph;
  const auto readers = graph.consumers();
  std::vector<NodeId> absorbed(static_cast<std::size_t>(graph.num_nodes()), kNoNode);
  GraphCopy copy(model);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    if (is_norm_relu(node)) {
      const NodeId reader = absorbing_reader(graph, node, readers, notes);
      if (reader != kNoNode) {
        absorbed[static_cast<std::size_t>(reader)] = id;
        continue;
      }
    }
    const NodeId norm = absorbed[static_cast<std::size_t>(id)];
    if (norm == kNoNode) {
      copy.copy(node);
      continue;
    }
    const std::vector<ValueId> vectors = copy.mapped(graph.node(norm).inputs);
    std::vector<ValueId> inputs = {vectors[0]};
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      inputs.push_back(copy[node.inputs[i]]);
    }
    inputs.insert(inputs.end(), vectors.begin() + 1, vectors.end());
    copy.copy_as(node, node.op->with_norm_on_load(), inputs);
  }
  return copy.finish();
}

}  // namespace accrete
