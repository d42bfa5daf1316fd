// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/op.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

// The batch norm that can take the ReLU `node` in, or kNoNode.
NodeId fusable_batch_norm(const Graph& graph, const Node& node,
                          const Table<std::vector<NodeId>>& readers, PassNotes& notes) {
  const ValueId between = node.inputs[Slot::x];
  const Node* producer = graph.producer(between);
  if (producer == nullptr || !producer->op->traits().takes_relu || producer->relu) {
    notes.push_back(node.name + ": makes a pass of its own, it follows " +
                    (producer != nullptr ? producer->op_name() : graph.value(between).name));
    return kNoNode;
  }
  const std::size_t uses = readers[between].size();
  if (uses != 1 || graph.is_output(between)) {
    notes.push_back(node.name + ": makes a pass of its own, its batch norm has " +
                    std::to_string(uses) + " readers");
    return kNoNode;
  }
  return graph.value(between).producer;
}

}  // namespace

ModelGraph fuse_batch_norm_relu(const ModelGraph& model, PassNotes& notes) {
  const Graph& graph = model.graph;
  const auto readers = graph.consumers();
  Table<NodeId> relu_of(graph.num_nodes(), kNoNode);
  Table<bool> fused(graph.num_nodes());
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    const NodeId norm =
        node.op->traits().is_relu ? fusable_batch_norm(graph, node, readers, notes) : kNoNode;
    if (norm != kNoNode) {
      relu_of[norm] = id;
      fused[id] = true;
    }
  }
  GraphCopy copy(model);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    if (relu_of[id] != kNoNode) {
      Node fresh = copy.mapped(node);
      fresh.relu = true;
      const ValueId y = copy.add(node, std::move(fresh))[Slot::y];
      copy.map(graph.node(relu_of[id]).outputs[Slot::y], y);
    } else if (!fused[id]) {
      copy.copy(node);
    }
  }
  return copy.finish();
}

}  // namespace accrete
