// SPDX-License-Identifier: Apache-2.0
// Statistics of a value that the op writing it can take on the way: no pass over the value.
#include "accrete/engine/op.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

// Whether a node computes the statistics of x and no more.
bool takes_statistics(const Node& node) {
  return node.outputs.has(Slot::variance);
}

bool can_take_statistics(const Node& writer) {
  const OpTraits traits = writer.op->traits();
  return traits.takes_statistics && !writer.outputs.has(Slot::y_mean) &&
         (writer.inputs.has(Slot::mean) || !traits.statistics_need_norm);
}

// The node whose y is read by the statistics node and that can take them, or kNoNode.
NodeId taking_producer(const Graph& graph, const Node& node, PassNotes& notes) {
  const ValueId x = node.inputs[Slot::x];
  const Node* writer = graph.producer(x);
  if (writer == nullptr) {
    notes.push_back(node.name + ": a pass of its own, " + graph.value(x).name +
                    " is given from outside");
    return kNoNode;
  }
  if (writer->outputs[Slot::y] != x || !can_take_statistics(*writer)) {
    notes.push_back(node.name + ": a pass of its own, " + writer->op_name() +
                    " cannot take statistics");
    return kNoNode;
  }
  return graph.value(x).producer;
}

}  // namespace

ModelGraph statistics_in_epilogue(const ModelGraph& model, PassNotes& notes) {
  const Graph& graph = model.graph;
  Table<NodeId> taken(graph.num_nodes(), kNoNode);
  Table<bool> gone(graph.num_nodes());
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const NodeId producer =
        takes_statistics(graph.node(id)) ? taking_producer(graph, graph.node(id), notes) : kNoNode;
    if (producer != kNoNode && taken[producer] == kNoNode) {
      taken[producer] = id;
      gone[id] = true;
    }
  }
  GraphCopy copy(model);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    if (taken[id] != kNoNode) {
      const Node& removed = graph.node(taken[id]);
      Node fresh = copy.mapped(node);
      fresh.outputs = fresh.outputs + Operands{Slot::y_mean, Slot::y_variance, Slot::y_inv_std};
      fresh.epsilon = removed.epsilon;
      const Operands written = copy.add(node, std::move(fresh));
      copy.map(removed.outputs[Slot::mean], written[Slot::y_mean]);
      copy.map(removed.outputs[Slot::variance], written[Slot::y_variance]);
      copy.map(removed.outputs[Slot::inv_std], written[Slot::y_inv_std]);
    } else if (!gone[id]) {
      copy.copy(node);
    }
  }
  return copy.finish();
}

}  // namespace accrete
