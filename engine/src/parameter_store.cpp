// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/parameter_store.h"

#include <algorithm>

#include "accrete/engine/memory_plan.h"
#include "accrete/kernels/dtype.h"
#include "accrete/kernels/finite.h"

namespace accrete {

ParameterStore::ParameterStore(const Graph& graph) {
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    const Value& value = graph.value(id);
    if (value.kind == ValueKind::input || value.kind == ValueKind::intermediate) {
      continue;
    }
    const std::string master =
        value.master != kNoValue ? graph.value(value.master).name : std::string();
    append({value.name, value.type.shape, value.kind, value.initializer, value.role,
            value.type.dtype, master, 0, TensorView()});
  }
}

void ParameterStore::add(const std::string& name, const Shape& shape, TensorRole role) {
  append(
      {name, shape, ValueKind::state, Initializer::zeros, role, DType::f32, {}, 0, TensorView()});
}

void ParameterStore::append(StoredTensor tensor) {
  tensor.offset = bytes_;
  const std::int64_t bytes =
      tensor.shape.elements() * static_cast<std::int64_t>(dtype_bytes(tensor.dtype));
  bytes_ += (bytes + kPlanAlignment - 1) / kPlanAlignment * kPlanAlignment;
  index_.emplace(tensor.name, tensors_.size());
  tensors_.push_back(std::move(tensor));
}

void ParameterStore::bind(std::byte* base, Device device) {
  base_ = base;
  for (StoredTensor& tensor : tensors_) {
    tensor.view = TensorView(base + tensor.offset, tensor.shape, tensor.dtype, device);
  }
}

void ParameterStore::initialize(std::uint64_t seed) {
  for (const StoredTensor& tensor : tensors_) {
    if (tensor.kind != ValueKind::rounded) {
      initialize_tensor(tensor, seed);
    }
  }
  round_copies();
}

void ParameterStore::round_copies() {
  for (const StoredTensor& copy : tensors_) {
    if (copy.kind == ValueKind::rounded) {
      const float* from = find(copy.master)->view.f32();
      auto* to = static_cast<std::uint16_t*>(copy.view.data);
      for (std::int64_t i = 0; i < copy.shape.elements(); ++i) {
        to[i] = bf16_bits(from[i]);
      }
    }
  }
}

const StoredTensor* ParameterStore::first_not_finite() const {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(), [](const StoredTensor& tensor) {
    return tensor.kind != ValueKind::rounded &&
           !all_finite(tensor.view.f32(), tensor.shape.elements());
  });
  return found == tensors_.end() ? nullptr : &*found;
}

const StoredTensor* ParameterStore::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

std::int64_t ParameterStore::num_parameters() const {
  std::int64_t count = 0;
  for (const StoredTensor& tensor : tensors_) {
    count += tensor.kind == ValueKind::parameter ? tensor.shape.elements() : 0;
  }
  return count;
}

}  // namespace accrete
