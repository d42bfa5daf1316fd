// SPDX-License-Identifier: Apache-2.0
// The tensors that outlive a step: parameters, running statistics and optimizer state, all f32, and
// the rounded copies of parameters that ops on narrower dtypes read.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "accrete/engine/graph.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete {

struct StoredTensor {
  std::string name;
  Shape shape;
  ValueKind kind = ValueKind::parameter;  ///< parameter, state or rounded
  Initializer initializer = Initializer::zeros;
  TensorRole role = TensorRole::vector;
  DType dtype = DType::f32;
  std::string master;       ///< rounded only: name of the parameter it follows
  std::int64_t offset = 0;  ///< bytes from the start of the store
  TensorView view;          ///< valid once bound
};

class ParameterStore {
 public:
  ParameterStore() = default;
  /// Takes every parameter, state and rounded copy of the graph, in order.
  explicit ParameterStore(const Graph& graph);

  /// Adds a further zero-initialised tensor (optimizer state) before the store is bound.
  void add(const std::string& name, const Shape& shape, TensorRole role);

  std::int64_t bytes() const { return bytes_; }
  /// Gives every tensor its memory; `base` has at least bytes() bytes, 64-byte aligned.
  void bind(std::byte* base, Device device);
  /// Start of the memory, null before bind().
  std::byte* base() const { return base_; }
  /// Fills everything, which must be host memory, from the seed: each tensor draws from a stream
  /// named after it, so the values depend on (seed, name, shape) alone.
  void initialize(std::uint64_t seed);

  /// Writes every rounded copy anew from its parameter. The store must be in host memory.
  void round_copies();

  /// The first tensor that holds a NaN or an infinity, nullptr if none does. The store must be in
  /// host memory; rounded copies follow from their parameters and are not looked at. One read of
  /// everything: at the speed of memory.
  const StoredTensor* first_not_finite() const;

  /// nullptr when there is no such tensor.
  const StoredTensor* find(const std::string& name) const;
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  /// Elements of all parameters.
  std::int64_t num_parameters() const;

 private:
  void append(StoredTensor tensor);

  std::vector<StoredTensor> tensors_;
  std::unordered_map<std::string, std::size_t> index_;  // into tensors_, by name
  std::int64_t bytes_ = 0;
  std::byte* base_ = nullptr;
};

/// Writes the starting values of one tensor. `view` is packed.
void initialize_tensor(const StoredTensor& tensor, std::uint64_t seed);

}  // namespace accrete
