// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/graph.h"

#include "accrete/engine/op.h"
#include "accrete/kernels/error.h"

namespace accrete {

ValueId Graph::add_value(Value value) {
  check_shape(value.type.shape, value.name.c_str());
  values_.push_back(std::move(value));
  is_output_.resize(num_values(), false);
  return num_values() - 1;
}

ValueId Graph::add_input(const std::string& name, const TensorType& type) {
  tensor_names_.insert(name);
  return add_value({.name = name, .type = type, .kind = ValueKind::input});
}

ValueId Graph::add_parameter(const std::string& name, const Shape& shape, Initializer initializer,
                             TensorRole role) {
  if (!tensor_names_.insert(name).second) {
    throw Error(ErrorCode::invalid_argument, "[graph] there is already a tensor named " + name);
  }
  return add_value({.name = name,
                    .type = {shape, DType::f32},
                    .kind = ValueKind::parameter,
                    .initializer = initializer,
                    .role = role});
}

ValueId Graph::add_state(const std::string& name, const Shape& shape, Initializer initializer) {
  const ValueId id = add_parameter(name, shape, initializer, TensorRole::vector);
  values_[static_cast<std::size_t>(id)].kind = ValueKind::state;
  return id;
}

ValueId Graph::in_dtype(ValueId parameter, DType dtype) {
  const Value& master = value(parameter);
  if (master.type.dtype == dtype) {
    return parameter;
  }
  if (master.kind != ValueKind::parameter) {
    throw Error(ErrorCode::invalid_argument,
                "[graph] " + master.name + " is " + dtype_name(master.type.dtype) + ", expected " +
                    dtype_name(dtype) + "; only parameters are rounded on demand");
  }
  const ValueId existing = rounded_copy(parameter);
  if (existing != kNoValue) {
    return existing;
  }
  return add_value({.name = master.name + ":" + dtype_name(dtype),
                    .type = {master.type.shape, dtype},
                    .kind = ValueKind::rounded,
                    .role = master.role,
                    .master = parameter});
}

ValueId Graph::rounded_copy(ValueId parameter) const {
  for (ValueId id = parameter + 1; id < num_values(); ++id) {
    if (value(id).master == parameter) {
      return id;
    }
  }
  return kNoValue;
}

Operands Graph::add_node(Node node) {
  node.inputs = node.inputs.given();
  for (const auto& [slot, value] : node.inputs) {
    if (value < 0 || value >= num_values()) {
      throw Error(ErrorCode::internal,
                  "[graph] node " + node.name + " reads a value of another graph");
    }
  }
  for (Operand& output : node.outputs) {
    output.value = kNoValue;
  }
  std::vector<TensorView> views = planned_views(*this, node);
  Tensors tensors(node, views.data());
  node.op->infer(tensors);
  std::size_t index = 0;
  for (Operand& output : node.outputs) {
    const TensorView& planned = views[node.inputs.size() + index];
    const std::string name = index == 0 ? node.name : node.name + ":" + std::to_string(index);
    output.value =
        add_value({.name = name, .type = {planned.shape, planned.dtype}, .producer = num_nodes()});
    ++index;
  }
  nodes_.push_back(node);
  return node.outputs;
}

const Node* Graph::producer(ValueId id) const {
  const NodeId producer = value(id).producer;
  return producer != kNoNode ? &node(producer) : nullptr;
}

Table<std::vector<NodeId>> Graph::consumers() const {
  Table<std::vector<NodeId>> readers(num_values());
  for (NodeId id = 0; id < num_nodes(); ++id) {
    for (const auto& [slot, input] : node(id).inputs) {
      readers[input].push_back(id);
    }
  }
  return readers;
}

}  // namespace accrete
