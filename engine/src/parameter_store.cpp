// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/parameter_store.h"

#include "accrete/engine/memory_plan.h"

namespace accrete {

ParameterStore::ParameterStore(const Graph& graph) {
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    const Value& value = graph.value(id);
    if (value.kind == ValueKind::parameter || value.kind == ValueKind::state) {
      append({value.name, value.type.shape, value.kind, value.initializer, value.role, 0, {}});
    }
  }
}

void ParameterStore::add(const std::string& name, const Shape& shape, TensorRole role) {
  append({name, shape, ValueKind::state, Initializer::zeros, role, 0, {}});
}

void ParameterStore::append(StoredTensor tensor) {
  tensor.offset = bytes_;
  const std::int64_t bytes = tensor.shape.elements() * 4;
  bytes_ += (bytes + kPlanAlignment - 1) / kPlanAlignment * kPlanAlignment;
  tensors_.push_back(std::move(tensor));
}

void ParameterStore::bind(std::byte* base, Device device) {
  base_ = base;
  for (StoredTensor& tensor : tensors_) {
    tensor.view = TensorView(base + tensor.offset, tensor.shape, DType::f32, device);
  }
}

void ParameterStore::initialize(std::uint64_t seed) {
  for (const StoredTensor& tensor : tensors_) {
    initialize_tensor(tensor, seed);
  }
}

const StoredTensor* ParameterStore::find(const std::string& name) const {
  for (const StoredTensor& tensor : tensors_) {
    if (tensor.name == name) {
      return &tensor;
    }
  }
  return nullptr;
}

std::int64_t ParameterStore::num_parameters() const {
  std::int64_t count = 0;
  for (const StoredTensor& tensor : tensors_) {
    count += tensor.kind == ValueKind::parameter ? tensor.shape.elements() : 0;
  }
  return count;
}

}  // namespace accrete
