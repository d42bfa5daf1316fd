// SPDX-License-Identifier: Apache-2.0
// How passes rewrite: they copy a graph node by node and put something else where their pattern
// stands. Inputs, parameters and states come over first, in order.
#pragma once

#include "accrete/engine/autograd.h"

namespace accrete {

class GraphCopy {
 public:
  explicit GraphCopy(const ModelGraph& from);

  Graph& graph() { return to_.graph; }
  /// The copy of a value; it must have been copied or mapped before.
  ValueId operator[](ValueId old) const;
  /// A node as one of the copy, to be edited and added: it reads the copies of its inputs, and
  /// writes the same slots.
  Node mapped(const Node& old) const;

  /// Copies a node as it is.
  Operands copy(const Node& old) { return add(old, mapped(old)); }
  /// Adds a node in the place of one that wrote the same slots, and perhaps fewer.
  Operands add(const Node& old, Node fresh);
  /// Readers of `old` read `fresh` from now on.
  void map(ValueId old, ValueId fresh);

  /// The finished copy with the model's special values.
  ModelGraph finish();
  /// The same behind reverse mode, with what is known of the values.
  DifferentiatedModel finish(const DifferentiatedModel& from);

 private:
  const ModelGraph& from_;
  ModelGraph to_;
  Table<ValueId> values_;  // by old ValueId
};

}  // namespace accrete
