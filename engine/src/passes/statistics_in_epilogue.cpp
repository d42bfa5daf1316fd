// SPDX-License-Identifier: Apache-2.0
// Statistics of a value that the op writing it can take on the way: no pass over the value.
#include "accrete/engine/op.h"
#include "ops/channel_statistics.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

const ChannelStatisticsOp* statistics_op(const Node& node) {
  return dynamic_cast<const ChannelStatisticsOp*>(node.op.get());
}

// The node whose output 0 is read by the statistics node and that can take them, or kNoNode.
NodeId taking_producer(const Graph& graph, const Node& node, PassNotes& notes) {
  const ValueId x = node.inputs[0];
  const NodeId producer = graph.value(x).producer;
  if (producer == kNoNode) {
    notes.push_back(node.name + ": a pass of its own, " + graph.value(x).name +
                    " is given from outside");
    return kNoNode;
  }
  const Node& writer = graph.node(producer);
  const float epsilon = statistics_op(node)->epsilon();
  if (writer.outputs[0] != x || writer.op->with_statistics(epsilon) == nullptr) {
    notes.push_back(node.name + ": a pass of its own, " + writer.op->name() +
                    " cannot take statistics");
    return kNoNode;
  }
  return producer;
}

}  // namespace

ModelGraph statistics_in_epilogue(const ModelGraph& model, PassNotes& notes) {
  const Graph& graph = model.graph;
  std::vector<NodeId> taken(static_cast<std::size_t>(graph.num_nodes()), kNoNode);
  std::vector<bool> gone(static_cast<std::size_t>(graph.num_nodes()), false);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    if (statistics_op(graph.node(id)) == nullptr) {
      continue;
    }
    const NodeId producer = taking_producer(graph, graph.node(id), notes);
    if (producer != kNoNode && taken[static_cast<std::size_t>(producer)] == kNoNode) {
      taken[static_cast<std::size_t>(producer)] = id;
      gone[static_cast<std::size_t>(id)] = true;
    }
  }
  GraphCopy copy(model);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    const NodeId statistics = taken[static_cast<std::size_t>(id)];
    if (statistics != kNoNode) {
      const Node& removed = graph.node(statistics);
      const auto op = node.op->with_statistics(statistics_op(removed)->epsilon());
      const std::vector<ValueId> outputs = copy.copy_as(node, op, copy.mapped(node.inputs));
      for (std::size_t i = 0; i < 3; ++i) {
        copy.map(removed.outputs[i], outputs[outputs.size() - 3 + i]);
      }
    } else if (!gone[static_cast<std::size_t>(id)]) {
      copy.copy(node);
    }
  }
  return copy.finish();
}

}  // namespace accrete
