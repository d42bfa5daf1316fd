// SPDX-License-Identifier: Apache-2.0
// A 1x1 convolution with stride 1 is the same linear map at every pixel, so it commutes with an
// average over windows that lie inside the image: pooling first leaves the convolution a fraction
// of the pixels. The bias is its own average. Same values, other rounding.
#include "accrete/engine/op.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

// The pooling node that can move in front of the convolution `node`, or kNoNode.
NodeId movable_pool(const Graph& graph, const Node& node, const Table<std::vector<NodeId>>& readers,
                    PassNotes& notes) {
  if (!node.op->traits().keeps_pixels || !has_pointwise_weight(graph, node)) {
    return kNoNode;
  }
  const ValueId y = node.outputs[Slot::y];
  for (const NodeId reader : readers[y]) {
    const OpTraits pool = graph.node(reader).op->traits();
    if (!pool.averages) {
      continue;
    }
    if (readers[y].size() > 1 || graph.is_output(y)) {
      notes.push_back(node.name + ": stays in front of its pooling, it has other readers");
      return kNoNode;
    }
    if (pool.pads) {
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
  Table<bool> moved(graph.num_nodes());
  GraphCopy copy(model);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    if (moved[id]) {
      continue;
    }
    const NodeId pool_id = movable_pool(graph, node, readers, notes);
    if (pool_id == kNoNode) {
      copy.copy(node);
      continue;
    }
    moved[pool_id] = true;
    Node pool = graph.node(pool_id);
    pool.inputs.set(Slot::x, node.inputs[Slot::x]);
    Node conv = copy.mapped(node);
    conv.inputs.set(Slot::x, copy.graph().add_node(copy.mapped(pool))[Slot::y]);
    copy.map(pool.outputs[Slot::y], copy.graph().add_node(std::move(conv))[Slot::y]);
  }
  return copy.finish();
}

}  // namespace accrete
