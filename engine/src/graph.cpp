// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/graph.h"

#include "accrete/engine/op.h"
#include "accrete/kernels/error.h"

namespace accrete {

ValueId Graph::add_value(Value value) {
  check_shape(value.type.shape, value.name.c_str());
  values_.push_back(std::move(value));
  is_output_.push_back(false);
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

std::vector<ValueId> Graph::add_node(const std::string& name, std::shared_ptr<const Op> op,
                                     const std::vector<ValueId>& inputs) {
  for (const ValueId input : inputs) {
    if (input < 0 || input >= num_values()) {
      throw Error(ErrorCode::internal, "[graph] node " + name + " reads a value of another graph");
    }
  }
  Node node{name, std::move(op), inputs, {}};
  const std::vector<TensorType> output_types = node.op->infer(input_types(node));
  for (std::size_t i = 0; i < output_types.size(); ++i) {
    const std::string output_name = i == 0 ? name : name + ":" + std::to_string(i);
    node.outputs.push_back(
        add_value({.name = output_name, .type = output_types[i], .producer = num_nodes()}));
  }
  nodes_.push_back(node);
  return node.outputs;
}

std::vector<TensorType> Graph::types(const std::vector<ValueId>& values) const {
  std::vector<TensorType> types;
  types.reserve(values.size());
  for (const ValueId id : values) {
    types.push_back(value(id).type);
  }
  return types;
}

void Graph::mark_output(ValueId value) {
  is_output_[static_cast<std::size_t>(value)] = true;
}

std::vector<std::vector<NodeId>> Graph::consumers() const {
  std::vector<std::vector<NodeId>> readers(values_.size());
  for (NodeId id = 0; id < num_nodes(); ++id) {
    for (const ValueId input : node(id).inputs) {
      readers[static_cast<std::size_t>(input)].push_back(id);
    }
  }
  return readers;
}

void Graph::set_statistics(ValueId id, const ChannelStatistics& statistics) {
  values_[static_cast<std::size_t>(id)].statistics = statistics;
}

void Graph::set_again(ValueId id) {
  values_[static_cast<std::size_t>(id)].again = true;
}

void Graph::set_twin(ValueId gradient, ValueId of) {
  values_[static_cast<std::size_t>(gradient)].twin = of;
}

}  // namespace accrete
