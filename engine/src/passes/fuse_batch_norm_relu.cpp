// SPDX-License-Identifier: Apache-2.0
#include "ops/batch_norm.h"
#include "ops/relu.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

// The batch norm that can take the ReLU `node` in, or kNoNode.
NodeId fusable_batch_norm(const Graph& graph, const Node& node,
                          const std::vector<std::vector<NodeId>>& readers, PassNotes& notes) {
  const ValueId between = node.inputs[0];
  const NodeId producer = graph.value(between).producer;
  const Op* op = producer == kNoNode ? nullptr : graph.node(producer).op.get();
  const auto* batch_norm = dynamic_cast<const BatchNorm*>(op);
  if (batch_norm == nullptr || batch_norm->has_relu()) {
    notes.push_back(node.name + ": makes a pass of its own, it follows " +
                    (op != nullptr ? op->name() : graph.value(between).name));
    return kNoNode;
  }
  const std::size_t uses = readers[static_cast<std::size_t>(between)].size();
  if (uses != 1 || graph.is_output(between)) {
    notes.push_back(node.name + ": makes a pass of its own, its batch norm has " +
                    std::to_string(uses) + " readers");
    return kNoNode;
  }
  return producer;
}

bool is_relu(const Node& node) {
  return dynamic_cast<const Relu*>(node.op.get()) != nullptr;
}

}  // namespace

ModelGraph fuse_batch_norm_relu(const ModelGraph& model, PassNotes& notes) {
  const Graph& graph = model.graph;
  const auto readers = graph.consumers();
  std::vector<NodeId> relu_of(static_cast<std::size_t>(graph.num_nodes()), kNoNode);
  std::vector<bool> fused(static_cast<std::size_t>(graph.num_nodes()), false);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    const NodeId norm = is_relu(node) ? fusable_batch_norm(graph, node, readers, notes) : kNoNode;
    if (norm != kNoNode) {
      relu_of[static_cast<std::size_t>(norm)] = id;
      fused[static_cast<std::size_t>(id)] = true;
    }
  }
  GraphCopy copy(model);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    const NodeId relu = relu_of[static_cast<std::size_t>(id)];
    if (relu != kNoNode) {
      const auto op = dynamic_cast<const BatchNorm&>(*node.op).with_relu();
      const auto outputs = copy.copy_as(node, op, copy.mapped(node.inputs));
      copy.map(graph.node(relu).outputs[0], outputs[0]);
    } else if (!fused[static_cast<std::size_t>(id)]) {
      copy.copy(node);
    }
  }
  return copy.finish();
}

}  // namespace accrete
