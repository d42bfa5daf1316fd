// SPDX-License-Identifier: Apache-2.0
// NormRelu whose only reader can apply it to what it loads: nothing normalised is ever stored.
#include "accrete/engine/op.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

// The reader that takes the node in, or kNoNode.
NodeId absorbing_reader(const Graph& graph, const Node& node,
                        const Table<std::vector<NodeId>>& readers, PassNotes& notes) {
  const ValueId y = node.outputs[Slot::y];
  if (readers[y].size() != 1 || graph.is_output(y)) {
    notes.push_back(node.name + ": stored, it has " + std::to_string(readers[y].size()) +
                    " readers");
    return kNoNode;
  }
  const NodeId id = readers[y].front();
  const Node& reader = graph.node(id);
  if (reader.inputs[Slot::x] != y || !reader.op->traits().takes_norm ||
      reader.inputs.has(Slot::mean)) {
    notes.push_back(node.name + ": stored, " + reader.op_name() + " cannot apply it on load");
    return kNoNode;
  }
  return id;
}

}  // namespace

ModelGraph normalise_on_load(const ModelGraph& model, PassNotes& notes) {
  const Graph& graph = model.graph;
  const auto readers = graph.consumers();
  Table<NodeId> absorbed(graph.num_nodes(), kNoNode);
  GraphCopy copy(model);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    if (node.op->traits().is_norm_relu) {
      const NodeId reader = absorbing_reader(graph, node, readers, notes);
      if (reader != kNoNode) {
        absorbed[reader] = id;
        continue;
      }
    }
    if (absorbed[id] == kNoNode) {
      copy.copy(node);
      continue;
    }
    const Operands& norm = graph.node(absorbed[id]).inputs;
    Node fresh = node;
    fresh.inputs.set(Slot::x, norm[Slot::x]);
    fresh.inputs = fresh.inputs + norm.without({Slot::x});
    copy.add(node, copy.mapped(fresh));
  }
  return copy.finish();
}

}  // namespace accrete
