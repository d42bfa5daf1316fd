// SPDX-License-Identifier: Apache-2.0
#include "ops/batch_norm.h"
#include "ops/relu.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

// The batch norm that can take the ReLU `node` in, or null.
const BatchNorm* fusable_batch_norm(const Graph& graph, const Node& node,
                                    const std::vector<std::vector<NodeId>>& readers) {
  if (dynamic_cast<const Relu*>(node.op.get()) == nullptr) {
    return nullptr;
  }
  const ValueId between = node.inputs[0];
  const NodeId producer = graph.value(between).producer;
  const bool only_reader = readers[static_cast<std::size_t>(between)].size() == 1;
  if (producer == kNoNode || !only_reader || graph.is_output(between)) {
    return nullptr;
  }
  const auto* batch_norm = dynamic_cast<const BatchNorm*>(graph.node(producer).op.get());
  return batch_norm != nullptr && !batch_norm->has_relu() ? batch_norm : nullptr;
}

}  // namespace

ModelGraph fuse_batch_norm_relu(const ModelGraph& model, PassNotes& /*notes*/) {
  const Graph& graph = model.graph;
  const auto readers = graph.consumers();
  std::vector<NodeId> relu_of(static_cast<std::size_t>(graph.num_nodes()), kNoNode);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    if (fusable_batch_norm(graph, graph.node(id), readers) != nullptr) {
      relu_of[static_cast<std::size_t>(graph.value(graph.node(id).inputs[0]).producer)] = id;
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
    } else if (fusable_batch_norm(graph, node, readers) == nullptr) {
      copy.copy(node);
    }
  }
  return copy.finish();
}

}  // namespace accrete
