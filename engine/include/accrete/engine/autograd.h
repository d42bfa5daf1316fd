// SPDX-License-Identifier: Apache-2.0
// Reverse-mode differentiation of a graph, as further nodes of the same graph.
#pragma once

#include <string>
#include <vector>

#include "accrete/engine/graph.h"

namespace accrete {

struct ParameterGradient {
  ValueId parameter = kNoValue;
  ValueId gradient = kNoValue;
};

/// A model with its backward pass.
struct DifferentiatedModel {
  ModelGraph model;
  std::vector<ParameterGradient> gradients;  ///< in order of the parameters; marked as outputs
  Table<ValueId> twins;  ///< by gradient: the value whose gradient it is and whose layout it had
                         ///< better share, or kNoValue
  Table<bool> again;     ///< forward values that are computed a second time for the backward pass
};

/// Appends the backward pass of the loss, a value [1,1,1,1] whose op starts the chain by itself,
/// for every parameter that it depends on. Each node's op supplies its own rule. `apply_on_load`:
/// ops that can apply what is owed to a gradient to what they load do.
DifferentiatedModel build_backward(ModelGraph model, bool apply_on_load = true);

/// Everything behind the loss belongs to the backward pass.
inline NodeId first_backward_node(const ModelGraph& model) {
  return model.graph.value(model.loss).producer + 1;
}

/// The gradient of a value while it is put together. One that is deferred (kernels/norm_relu.h) is
/// owed something: it follows from g, the sums a and b, and the value's mean and inv_std.
struct Gradient {
  ValueId g = kNoValue;
  ValueId a = kNoValue, b = kNoValue;
  ValueId mean = kNoValue, inv_std = kNoValue;
  bool exists() const { return g != kNoValue; }
  bool deferred() const { return a != kNoValue; }
  /// As operands of a node that can apply what is owed, of the gradient of y: grad_y, and if it is
  /// deferred y, y_mean, y_inv_std, grad_y_a, grad_y_b.
  Operands operands(ValueId y) const;
};

/// What an op's backward rule sees: the gradients of its node's outputs, and where to put those of
/// the inputs. A gradient with several contributions accumulates in place: the first contribution
/// overwrites, each later node reads the sum so far, too, in the slot that it writes. What is
/// contributed to the rounded copy of a parameter is the gradient of the parameter.
class BackwardContext {
 public:
  BackwardContext(DifferentiatedModel& differentiated, const Node& node, Table<Gradient>& gradients,
                  const Table<bool>& needs_gradient, bool apply_on_load);

  const Node& node() const { return node_; }
  const Graph& graph() const { return differentiated_.model.graph; }
  /// The operand that the node writes or reads.
  ValueId operator[](Slot slot) const;
  const Shape& shape(Slot slot) const { return graph().value((*this)[slot]).type.shape; }

  bool needs_gradient(ValueId input) const { return needs_gradient_[input]; }
  bool has_gradient(ValueId value) const { return gradients_[owner(value)].exists(); }
  /// The gradient of an output that something depends on, as it is.
  const Gradient& gradient(Slot output) const { return gradients_[(*this)[output]]; }
  /// The same with what is owed applied, by a node of its own.
  ValueId plain_gradient(Slot output);
  /// That of y as operands: what is owed is left to the nodes that load it, if they may apply it.
  Operands loaded_gradient();

  /// Adds `node` under another name. Its first output is a contribution to the gradient of `to`;
  /// one that is deferred has grad_x_a and grad_x_b, too. Returns all outputs.
  Operands contribute(ValueId to, Node node);
  /// A contribution that exists already (an add node joins it to earlier ones), and one that is
  /// known to be zero.
  void contribute_value(ValueId to, const Gradient& contribution);
  void contribute_zero(ValueId to);
  /// Adds a node for the gradient of `of` that is no contribution by itself.
  Operands add_node(ValueId of, Node node);
  /// Adds a node that is no gradient, named after this one.
  Operands add_side_node(const std::string& suffix, Node node);

 private:
  ValueId owner(ValueId value) const;  // of the gradient
  std::string gradient_name(ValueId of) const;
  void require_same_kind(ValueId to, bool sum_deferred, bool deferred) const;

  DifferentiatedModel& differentiated_;
  Node node_;  // a copy: adding nodes moves the graph's own
  Table<Gradient>& gradients_;
  const Table<bool>& needs_gradient_;
  bool apply_on_load_;
};

}  // namespace accrete
