// SPDX-License-Identifier: Apache-2.0
#include "passes/graph_copy.h"

#include "accrete/kernels/error.h"

namespace accrete {

GraphCopy::GraphCopy(const ModelGraph& from)
    : from_(from), values_(from.graph.num_values(), kNoValue) {
  for (ValueId id = 0; id < from.graph.num_values(); ++id) {
    const Value& value = from.graph.value(id);
    switch (value.kind) {
      case ValueKind::input:
        map(id, graph().add_input(value.name, value.type));
        break;
      case ValueKind::parameter:
        map(id, graph().add_parameter(value.name, value.type.shape, value.initializer, value.role));
        break;
      case ValueKind::state:
        map(id, graph().add_state(value.name, value.type.shape, value.initializer));
        break;
      case ValueKind::rounded:
        map(id, graph().in_dtype((*this)[value.master], value.type.dtype));
        break;
      case ValueKind::intermediate:
        break;
    }
  }
}

ValueId GraphCopy::operator[](ValueId old) const {
  if (values_[old] == kNoValue) {
    throw Error(ErrorCode::internal,
                "[pass] " + from_.graph.value(old).name + " is read before it is written");
  }
  return values_[old];
}

Node GraphCopy::mapped(const Node& old) const {
  Node fresh = old;
  for (Operand& input : fresh.inputs) {
    input.value = (*this)[input.value];
  }
  return fresh;
}

Operands GraphCopy::add(const Node& old, Node fresh) {
  Operands written = graph().add_node(std::move(fresh));
  for (const auto& [slot, value] : old.outputs) {
    map(value, written[slot]);
  }
  return written;
}

void GraphCopy::map(ValueId old, ValueId fresh) {
  values_[old] = fresh;
  if (from_.graph.is_output(old)) {
    graph().mark_output(fresh);
  }
}

ModelGraph GraphCopy::finish() {
  to_.images = (*this)[from_.images];
  to_.labels = (*this)[from_.labels];
  to_.loss = (*this)[from_.loss];
  to_.correct = (*this)[from_.correct];
  return std::move(to_);
}

DifferentiatedModel GraphCopy::finish(const DifferentiatedModel& from) {
  DifferentiatedModel result;
  for (const ParameterGradient& pair : from.gradients) {
    result.gradients.push_back({(*this)[pair.parameter], (*this)[pair.gradient]});
  }
  result.twins = Table<ValueId>(graph().num_values(), kNoValue);
  for (ValueId old = 0; old < values_.size(); ++old) {
    if (from.twins[old] != kNoValue && values_[old] != kNoValue) {
      result.twins[values_[old]] = (*this)[from.twins[old]];
    }
  }
  result.model = finish();
  return result;
}

}  // namespace accrete
