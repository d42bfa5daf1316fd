// SPDX-License-Identifier: Apache-2.0
// A computation as data: values (tensors that have a type but no memory yet) and nodes (an op, its
// input values, its output values). Nodes are kept in an order in which they can run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "accrete/kernels/dtype.h"
#include "accrete/kernels/shape.h"

namespace accrete {

class Op;

using ValueId = std::int32_t;
using NodeId = std::int32_t;
constexpr ValueId kNoValue = -1;
constexpr NodeId kNoNode = -1;

/// What a tensor is, without its memory.
struct TensorType {
  Shape shape;
  DType dtype = DType::f32;
  std::int64_t bytes() const {
    return shape.elements() * static_cast<std::int64_t>(dtype_bytes(dtype));
  }
};

enum class ValueKind : std::uint8_t {
  input,         ///< written from outside before each run
  parameter,     ///< learned; lives as long as the model
  state,         ///< running statistics: not learned, updated by a training run, saved
  rounded,       ///< a parameter's copy in a narrower dtype; lives as long, follows it, not saved
  intermediate,  ///< produced by a node, alive within one run
};

/// Distribution a parameter starts from. See engine/src/initializer.cpp for the formulas.
enum class Initializer : std::uint8_t {
  zeros,
  ones,
  xavier_uniform,   ///< U(+-sqrt(6 / (fan_in + fan_out))), Glorot & Bengio 2010
  kaiming_fan_out,  ///< N(0, 2 / fan_out), He et al. 2015, as in the DenseNet authors' code
  linear_fan_in,    ///< U(+-1 / sqrt(fan_in)), the usual default of fully connected layers
};

/// What a stored tensor is to a layer: decides its axes in files and whether weight decay of
/// weights applies.
enum class TensorRole : std::uint8_t {
  vector,         ///< bias, batch norm vector: [1,1,1,C], [C] in files
  conv_weight,    ///< [K,R,S,C], [K,C,R,S] in files
  linear_weight,  ///< [K,1,1,C], [K,C] in files
};

/// The values that hold the batch statistics of a value, if they are computed apart from the batch
/// norms that use them.
struct ChannelStatistics {
  ValueId mean = kNoValue, variance = kNoValue, inv_std = kNoValue;
  float epsilon = 0.0F;  ///< in inv_std
};

struct Value {
  std::string name;
  TensorType type;
  ValueKind kind = ValueKind::intermediate;
  Initializer initializer = Initializer::zeros;  ///< parameters and state only
  TensorRole role = TensorRole::vector;          ///< parameters and state only
  NodeId producer = kNoNode;
  ValueId master = kNoValue;  ///< rounded only: the parameter it follows
  ValueId twin = kNoValue;    ///< gradients only: the value whose layout it had better share
  ChannelStatistics statistics = {};
  bool again = false;  ///< a forward value computed a second time for the backward pass
};

struct Node {
  std::string name;  ///< layer name, e.g. "features.denseblock1.denselayer2.conv1"
  std::shared_ptr<const Op> op;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
};

class Graph {
 public:
  ValueId add_input(const std::string& name, const TensorType& type);
  /// Names of parameters and states are unique: Error(invalid_argument) otherwise.
  ValueId add_parameter(const std::string& name, const Shape& shape, Initializer initializer,
                        TensorRole role);
  ValueId add_state(const std::string& name, const Shape& shape, Initializer initializer);

  /// `parameter` as ops on `dtype` read it: itself if that is its dtype, else its rounded copy,
  /// named "<parameter>:<dtype>", which is the same value for all who ask.
  /// Error(invalid_argument) if it would have to be rounded and is no parameter.
  ValueId in_dtype(ValueId parameter, DType dtype);
  /// The rounded copy of a parameter, or kNoValue if nobody has asked for one.
  ValueId rounded_copy(ValueId parameter) const;

  /// Appends a node; the op's shape rule decides the types of its outputs and throws if the inputs
  /// do not fit. Returns the outputs, named `name` (and `name:1`, ... beyond the first).
  std::vector<ValueId> add_node(const std::string& name, std::shared_ptr<const Op> op,
                                const std::vector<ValueId>& inputs);

  /// Values that must survive the run: losses, gradients, predictions.
  void mark_output(ValueId value);

  const Value& value(ValueId id) const { return values_[static_cast<std::size_t>(id)]; }
  const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  std::int32_t num_values() const { return static_cast<std::int32_t>(values_.size()); }
  std::int32_t num_nodes() const { return static_cast<std::int32_t>(nodes_.size()); }
  /// Types of the values a node reads and writes.
  std::vector<TensorType> input_types(const Node& node) const { return types(node.inputs); }
  std::vector<TensorType> output_types(const Node& node) const { return types(node.outputs); }
  bool is_output(ValueId id) const { return is_output_[static_cast<std::size_t>(id)]; }

  /// Nodes that read each value, in order. Index by ValueId.
  std::vector<std::vector<NodeId>> consumers() const;

  const ChannelStatistics& statistics(ValueId id) const { return value(id).statistics; }
  void set_statistics(ValueId id, const ChannelStatistics& statistics);
  void set_again(ValueId id);
  /// Says that `gradient` is the gradient of `of`.
  void set_twin(ValueId gradient, ValueId of);

 private:
  ValueId add_value(Value value);
  std::vector<TensorType> types(const std::vector<ValueId>& values) const;

  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<bool> is_output_;                   // by ValueId
  std::unordered_set<std::string> tensor_names_;  // of inputs, parameters and states
};

}  // namespace accrete
