// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/passes.h"
#include "ops/batch_norm.h"
#include "ops/relu.h"

namespace accrete {
namespace {

// The ReLU to fuse into `node`, or kNoNode.
NodeId fusable_relu(const Graph& graph, const Node& node,
                    const std::vector<std::vector<NodeId>>& readers) {
  const auto* batch_norm = dynamic_cast<const BatchNorm*>(node.op.get());
  if (batch_norm == nullptr || batch_norm->has_relu()) {
    return kNoNode;
  }
  const auto& uses = readers[static_cast<std::size_t>(node.outputs[0])];
  if (uses.size() != 1 || graph.is_output(node.outputs[0])) {
    return kNoNode;
  }
  const bool is_relu = dynamic_cast<const Relu*>(graph.node(uses[0]).op.get()) != nullptr;
  return is_relu ? uses[0] : kNoNode;
}

}  // namespace

int fuse_batch_norm_relu(Graph& graph) {
  int fused = 0;
  auto readers = graph.consumers();
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    const NodeId relu = fusable_relu(graph, node, readers);
    if (relu != kNoNode) {
      graph.fuse(id, relu, dynamic_cast<const BatchNorm&>(*node.op).with_relu());
      readers = graph.consumers();  // nodes behind the ReLU have moved up
      ++fused;
    }
  }
  return fused;
}

}  // namespace accrete
