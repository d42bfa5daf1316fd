// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/autograd.h"

#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"
#include "ops/norm.h"

namespace accrete {
namespace {

// A value needs a gradient if a parameter can reach it.
Table<bool> reachable_from_parameters(const Graph& graph) {
  Table<bool> reached(graph.num_values());
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    const ValueKind kind = graph.value(id).kind;
    reached[id] = kind == ValueKind::parameter || kind == ValueKind::rounded;
  }
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    bool any = false;
    for (const auto& [slot, input] : graph.node(id).inputs) {
      any = any || reached[input];
    }
    for (const auto& [slot, output] : graph.node(id).outputs) {
      reached[output] = any;
    }
  }
  return reached;
}

bool any_gradient(const Table<Gradient>& gradients, const Node& node) {
  for (const auto& [slot, output] : node.outputs) {
    if (gradients[output].exists()) {
      return true;
    }
  }
  return false;
}

}  // namespace

DifferentiatedModel build_backward(ModelGraph model, bool apply_on_load) {
  DifferentiatedModel result;
  result.model = std::move(model);
  Graph& graph = result.model.graph;
  const Value& loss = graph.value(result.model.loss);
  if (loss.type.shape.elements() != 1 || loss.producer == kNoNode) {
    throw Error(ErrorCode::invalid_argument,
                "[backward] the loss must be one number computed by the graph, got " + loss.name +
                    " " + to_string(loss.type.shape));
  }
  const Table<bool> needs_gradient = reachable_from_parameters(graph);
  Table<Gradient> gradients(graph.num_values());
  const NodeId loss_node = loss.producer;
  for (NodeId id = loss_node; id >= 0; --id) {
    if (id == loss_node || any_gradient(gradients, graph.node(id))) {
      BackwardContext context(result, graph.node(id), gradients, needs_gradient, apply_on_load);
      context.node().op->backward(context);
    }
  }
  for (ValueId id = 0; id < gradients.size(); ++id) {
    const ValueId gradient = gradients[id].g;
    if (graph.value(id).kind == ValueKind::parameter && gradient != kNoValue) {
      graph.mark_output(gradient);
      result.gradients.push_back({id, gradient});
    }
  }
  result.twins.resize(graph.num_values(), kNoValue);
  return result;
}

Operands Gradient::operands(ValueId y) const {
  if (!deferred()) {
    return {{Slot::grad_y, g}};
  }
  return {{Slot::grad_y, g},          {Slot::y, y},        {Slot::y_mean, mean},
          {Slot::y_inv_std, inv_std}, {Slot::grad_y_a, a}, {Slot::grad_y_b, b}};
}

BackwardContext::BackwardContext(DifferentiatedModel& differentiated, const Node& node,
                                 Table<Gradient>& gradients, const Table<bool>& needs_gradient,
                                 bool apply_on_load)
    : differentiated_(differentiated),
      node_(node),
      gradients_(gradients),
      needs_gradient_(needs_gradient),
      apply_on_load_(apply_on_load) {}

ValueId BackwardContext::operator[](Slot slot) const {
  return node_.outputs.has(slot) ? node_.outputs[slot] : node_.inputs[slot];
}

ValueId BackwardContext::plain_gradient(Slot output) {
  const ValueId y = node_.outputs[output];
  Gradient& gradient = gradients_[y];
  if (gradient.deferred()) {
    gradient = {add_applied_gradient(differentiated_.model.graph, y, gradient)};
  }
  return gradient.g;
}

Operands BackwardContext::loaded_gradient() {
  if (!apply_on_load_) {
    plain_gradient(Slot::y);
  }
  return gradient(Slot::y).operands(node_.outputs[Slot::y]);
}

ValueId BackwardContext::owner(ValueId value) const {
  const ValueId master = graph().value(value).master;
  return master != kNoValue ? master : value;
}

std::string BackwardContext::gradient_name(ValueId of) const {
  return graph().value(owner(of)).name + ".grad";
}

Operands BackwardContext::contribute(ValueId to, Node node) {
  Gradient& sum = gradients_[owner(to)];
  const Slot slot = node.outputs.front().slot;
  const bool deferred = node.outputs.has(Slot::grad_x_a);
  if (sum.exists()) {
    require_same_kind(to, sum.deferred(), deferred);
    node.inputs.add(slot, sum.g);
    node.inputs.add(Slot::grad_x_a, sum.a);  // left out of one that is not deferred
    node.inputs.add(Slot::grad_x_b, sum.b);
  }
  const ValueId mean = node.inputs[Slot::mean];
  const ValueId inv_std = node.inputs[Slot::inv_std];
  Operands outputs = add_node(to, std::move(node));
  sum = {outputs[slot]};
  if (deferred) {
    sum = {outputs[slot], outputs[Slot::grad_x_a], outputs[Slot::grad_x_b], mean, inv_std};
  }
  differentiated_.twins.resize(graph().num_values(), kNoValue);
  differentiated_.twins[sum.g] = owner(to);
  return outputs;
}

void BackwardContext::contribute_value(ValueId to, const Gradient& contribution) {
  Gradient& sum = gradients_[owner(to)];
  if (!sum.exists()) {
    sum = contribution;
    return;
  }
  require_same_kind(to, sum.deferred(), contribution.deferred());
  Graph& graph = differentiated_.model.graph;
  const std::string name = gradient_name(to);
  sum.g = ops::add(graph, name, sum.g, contribution.g);
  if (sum.deferred()) {
    sum.a = ops::add(graph, name, sum.a, contribution.a);
    sum.b = ops::add(graph, name, sum.b, contribution.b);
  }
}

void BackwardContext::contribute_zero(ValueId to) {
  Gradient& sum = gradients_[owner(to)];
  if (!sum.exists()) {
    sum.g = ops::zeros(differentiated_.model.graph, gradient_name(to),
                       graph().value(owner(to)).type.shape);
  }
}

Operands BackwardContext::add_node(ValueId of, Node node) {
  node.name = gradient_name(of);
  return differentiated_.model.graph.add_node(std::move(node));
}

Operands BackwardContext::add_side_node(const std::string& suffix, Node node) {
  node.name = node_.name + suffix;
  return differentiated_.model.graph.add_node(std::move(node));
}

void BackwardContext::require_same_kind(ValueId to, bool sum_deferred, bool deferred) const {
  if (sum_deferred != deferred) {
    throw Error(ErrorCode::internal, "[" + node_.op_name() + "] adds a gradient that is " +
                                         (deferred ? "" : "not ") + "deferred to that of " +
                                         graph().value(owner(to)).name + ", which is " +
                                         (sum_deferred ? "" : "not"));
  }
}

}  // namespace accrete
