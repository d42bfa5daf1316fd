// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/autograd.h"

#include "accrete/engine/op.h"
#include "accrete/kernels/error.h"

namespace accrete {
namespace {

// A value needs a gradient if a parameter can reach it.
std::vector<bool> reachable_from_parameters(const Graph& graph) {
  std::vector<bool> reached(static_cast<std::size_t>(graph.num_values()), false);
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    const ValueKind kind = graph.value(id).kind;
    reached[static_cast<std::size_t>(id)] =
        kind == ValueKind::parameter || kind == ValueKind::rounded;
  }
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    bool any = false;
    for (const ValueId input : node.inputs) {
      any = any || reached[static_cast<std::size_t>(input)];
    }
    for (const ValueId output : node.outputs) {
      reached[static_cast<std::size_t>(output)] = any;
    }
  }
  return reached;
}

}  // namespace

std::vector<ParameterGradient> build_backward(Graph& graph, ValueId loss) {
  if (graph.value(loss).type.shape.elements() != 1 || graph.value(loss).producer == kNoNode) {
    throw Error(ErrorCode::invalid_argument,
                "[backward] the loss must be one number computed by the graph, got " +
                    graph.value(loss).name + " " + to_string(graph.value(loss).type.shape));
  }
  const std::vector<bool> needs_gradient = reachable_from_parameters(graph);
  const std::int32_t num_forward_values = graph.num_values();
  std::vector<ValueId> gradients(static_cast<std::size_t>(num_forward_values), kNoValue);

  const NodeId loss_node = graph.value(loss).producer;
  for (NodeId id = loss_node; id >= 0; --id) {
    const Node node = graph.node(id);
    bool reached = id == loss_node;
    for (const ValueId output : node.outputs) {
      reached = reached || gradients[static_cast<std::size_t>(output)] != kNoValue;
    }
    if (reached) {
      BackwardContext context(graph, node, gradients, needs_gradient);
      node.op->backward(context);
    }
  }

  std::vector<ParameterGradient> result;
  for (ValueId id = 0; id < num_forward_values; ++id) {
    const ValueId gradient = gradients[static_cast<std::size_t>(id)];
    if (graph.value(id).kind == ValueKind::parameter && gradient != kNoValue) {
      graph.mark_output(gradient);
      result.push_back({id, gradient});
    }
  }
  return result;
}

}  // namespace accrete
