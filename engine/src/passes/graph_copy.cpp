// SPDX-License-Identifier: Apache-2.0
#include "passes/graph_copy.h"

#include "accrete/engine/op.h"
#include "accrete/kernels/error.h"

namespace accrete {

GraphCopy::GraphCopy(const ModelGraph& from) : from_(from) {
  values_.assign(static_cast<std::size_t>(from.graph.num_values()), kNoValue);
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
  const ValueId fresh = values_[static_cast<std::size_t>(old)];
  if (fresh == kNoValue) {
    throw Error(ErrorCode::internal,
                "[pass] " + from_.graph.value(old).name + " is read before it is written");
  }
  return fresh;
}

std::vector<ValueId> GraphCopy::mapped(const std::vector<ValueId>& old) const {
  std::vector<ValueId> fresh;
  fresh.reserve(old.size());
  for (const ValueId id : old) {
    fresh.push_back((*this)[id]);
  }
  return fresh;
}

void GraphCopy::copy(const Node& node) {
  copy_as(node, node.op, mapped(node.inputs));
}

std::vector<ValueId> GraphCopy::copy_as(const Node& node, std::shared_ptr<const Op> op,
                                        const std::vector<ValueId>& inputs) {
  std::vector<ValueId> outputs = graph().add_node(node.name, std::move(op), inputs);
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    map(node.outputs[i], outputs[i]);
  }
  return outputs;
}

void GraphCopy::map(ValueId old, ValueId fresh) {
  values_[static_cast<std::size_t>(old)] = fresh;
  if (from_.graph.is_output(old)) {
    graph().mark_output(fresh);
  }
}

ModelGraph GraphCopy::finish() {
  const Graph& old = from_.graph;
  for (ValueId id = 0; id < old.num_values(); ++id) {
    const ChannelStatistics& statistics = old.statistics(id);
    const ValueId fresh = values_[static_cast<std::size_t>(id)];
    if (statistics.mean != kNoValue && fresh != kNoValue) {
      graph().set_statistics(fresh, {(*this)[statistics.mean], (*this)[statistics.variance],
                                     (*this)[statistics.inv_std], statistics.epsilon});
    }
  }
  for (ValueId id = 0; id < old.num_values(); ++id) {
    const ValueId twin = old.value(id).twin;
    const ValueId fresh = values_[static_cast<std::size_t>(id)];
    if (twin != kNoValue && fresh != kNoValue) {
      graph().set_twin(fresh, (*this)[twin]);
    }
  }
  to_.images = (*this)[from_.images];
  to_.labels = (*this)[from_.labels];
  to_.loss = (*this)[from_.loss];
  to_.correct = (*this)[from_.correct];
  return std::move(to_);
}

DifferentiatedModel GraphCopy::finish(const std::vector<ParameterGradient>& gradients) {
  DifferentiatedModel result;
  for (const ParameterGradient& pair : gradients) {
    result.gradients.push_back({(*this)[pair.parameter], (*this)[pair.gradient]});
  }
  result.model = finish();
  return result;
}

}  // namespace accrete
