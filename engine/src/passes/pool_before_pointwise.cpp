// SPDX-License-Identifier: Apache-2.0
// A 1x1 convolution with stride 1 is the same linear map at every pixel, so it commutes with an
// average over windows that lie inside the image: pooling first leaves the convolution a fraction
// of the pixels. The bias is its own average. Same values, other rounding.
#include "accrete/engine/op.h"
#include "ops/average_pool.h"
#include "ops/conv.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

bool is_pointwise(const Graph& graph, const Node& node) {
  const auto* conv = dynamic_cast<const Conv*>(node.op.get());
  return conv != nullptr && conv->is_pointwise(graph.value(node.inputs[1]).type.shape);
}

// The pooling node that can move in front of the convolution `node`, or kNoNode.
NodeId movable_pool(const Graph& graph, const Node& node,
                    const std::vector<std::vector<NodeId>>& readers, PassNotes& notes) {
  if (!is_pointwise(graph, node)) {
    return kNoNode;
  }
  const auto& used = readers[static_cast<std::size_t>(node.outputs[0])];
  for (const NodeId reader : used) {
    const auto* pool = dynamic_cast<const AveragePool*>(graph.node(reader).op.get());
    if (pool == nullptr) {
      continue;
    }
    if (used.size() > 1 || graph.is_output(node.outputs[0])) {
      notes.push_back(node.name + ": stays in front of its pooling, it has other readers");
      return kNoNode;
    }
    if (pool->has_padding()) {
      notes.push_back(node.name + ": stays in front of its pooling, which has padding");
      return kNoNode;
    }
    return reader;
  }
  return kNoNode;
}

}  // namespace

ModelGraph pool_before_pointwise(const ModelGraph& model, PassNotes& notes) {
  const Graph& graph = model.graph;
  const auto readers = graph.consumers();
  std::vector<bool> moved(static_cast<std::size_t>(graph.num_nodes()), false);
  GraphCopy copy(model);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    if (moved[static_cast<std::size_t>(id)]) {
      continue;
    }
    const NodeId pool_id = movable_pool(graph, node, readers, notes);
    if (pool_id == kNoNode) {
      copy.copy(node);
      continue;
    }
    const Node& pool = graph.node(pool_id);
    std::vector<ValueId> inputs = copy.mapped(node.inputs);
    inputs[0] = copy.graph().add_node(pool.name, pool.op, {inputs[0]})[0];
    copy.map(pool.outputs[0], copy.graph().add_node(node.name, node.op, inputs)[0]);
    moved[static_cast<std::size_t>(pool_id)] = true;
  }
  return copy.finish();
}

}  // namespace accrete
