// SPDX-License-Identifier: Apache-2.0
// How passes rewrite: they copy a graph node by node and put something else where their pattern
// stands. Inputs, parameters and states come over first, in order.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "passes/differentiated_model.h"

namespace accrete {

class GraphCopy {
 public:
  explicit GraphCopy(const ModelGraph& from);

  Graph& graph() { return to_.graph; }
  /// The copy of a value; it must have been copied or mapped before.
  ValueId operator[](ValueId old) const;
  std::vector<ValueId> mapped(const std::vector<ValueId>& old) const;

  /// Copies a node as it is.
  void copy(const Node& node);
  /// Copies a node with another op and other inputs, which are values of the copy. The op has at
  /// least the outputs of the old one, in the same order; returns all of them.
  std::vector<ValueId> copy_as(const Node& node, std::shared_ptr<const Op> op,
                               const std::vector<ValueId>& inputs);
  /// Readers of `old` read `fresh` from now on.
  void map(ValueId old, ValueId fresh);

  /// The finished copy with the model's special values.
  ModelGraph finish();
  /// The same behind reverse mode, with the gradients of the parameters.
  DifferentiatedModel finish(const std::vector<ParameterGradient>& gradients);

 private:
  const ModelGraph& from_;
  ModelGraph to_;
  std::vector<ValueId> values_;  // by old ValueId
};

}  // namespace accrete
