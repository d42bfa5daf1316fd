// SPDX-License-Identifier: Apache-2.0
// A computation as data: values (tensors that have a type but no memory yet) and nodes (an op, what
// it reads, what it writes). Nodes are kept in an order in which they can run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "accrete/engine/operands.h"
#include "accrete/kernels/dtype.h"
#include "accrete/kernels/shape.h"

namespace accrete {

class Op;

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

struct Value {
  std::string name;
  TensorType type;
  ValueKind kind = ValueKind::intermediate;
  Initializer initializer = Initializer::zeros;  ///< parameters and state only
  TensorRole role = TensorRole::vector;          ///< parameters and state only
  NodeId producer = kNoNode;
  ValueId master = kNoValue;  ///< rounded only: the parameter it follows
};

struct Node {
  std::string name = {};  ///< layer name, e.g. "features.denseblock1.denselayer2.conv1"
  std::shared_ptr<const Op> op = {};
  Operands inputs = {};  ///< one in the slot of an output: the output is this, and more added to it
  Operands outputs = {};
  float epsilon = 0.0F;   ///< in the inverse deviations that it computes
  float momentum = 0.0F;  ///< of the running averages that it updates
  bool relu = false;      ///< what it writes as y has gone through ReLU

  /// The op and its parts as reports call them, e.g. "norm_relu+conv_forward+statistics".
  std::string op_name() const;
  bool accumulates(Slot output) const { return inputs.has(output); }
};

/// Something known of each value or node. Index by ValueId or NodeId.
template <class T>
class Table {
 public:
  Table() = default;
  explicit Table(std::int32_t size, const T& row = T())
      : rows_(static_cast<std::size_t>(size), row) {}
  /// Rows that are new are copies of `row`.
  void resize(std::int32_t size, const T& row) {
    rows_.resize(static_cast<std::size_t>(size), row);
  }
  template <class Id>
  decltype(auto) operator[](Id id) {
    return rows_[static_cast<std::size_t>(id)];
  }
  template <class Id>
  decltype(auto) operator[](Id id) const {
    return rows_[static_cast<std::size_t>(id)];
  }
  std::int32_t size() const { return static_cast<std::int32_t>(rows_.size()); }

 private:
  std::vector<T> rows_;
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

  /// Appends a node. Inputs without a value are left out; the op's shape rule decides the types of
  /// the outputs and throws if the inputs do not fit. Returns the outputs, whose values are new,
  /// whatever `node` has there, and named as the node (and `name:1`, ... beyond the first).
  Operands add_node(Node node);

  /// Values that must survive the run: losses, gradients, predictions.
  void mark_output(ValueId value) { is_output_[value] = true; }

  const Value& value(ValueId id) const { return values_[static_cast<std::size_t>(id)]; }
  const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  std::int32_t num_values() const { return static_cast<std::int32_t>(values_.size()); }
  std::int32_t num_nodes() const { return static_cast<std::int32_t>(nodes_.size()); }
  bool is_output(ValueId id) const { return is_output_[id]; }
  /// The node that writes a value, or null.
  const Node* producer(ValueId id) const;

  /// Nodes that read each value, in order.
  Table<std::vector<NodeId>> consumers() const;

 private:
  ValueId add_value(Value value);

  std::vector<Value> values_;
  std::vector<Node> nodes_;
  Table<bool> is_output_;
  std::unordered_set<std::string> tensor_names_;  // of inputs, parameters and states
};

/// A model's graph for one batch size, as a model builder returns it.
struct ModelGraph {
  Graph graph;
  ValueId images = kNoValue;   // input [N,H,W,C]; its dtype is that of all activations
  ValueId labels = kNoValue;   // input [N,1,1,1] i32
  ValueId loss = kNoValue;     // [1,1,1,1]
  ValueId correct = kNoValue;  // [1,1,1,1]
};

}  // namespace accrete
