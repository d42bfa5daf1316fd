// SPDX-License-Identifier: Apache-2.0
// The interface of an operation. An op is immutable and shared between graphs; it owns its shape
// rule, its workspace, its forward call, its backward rule (as new nodes) and what it says about
// sharing memory. Reverse mode, the memory planner and the executor know ops only through this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "accrete/engine/graph.h"
#include "accrete/kernels/call.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/stream.h"

namespace accrete {

/// What changes from run to run.
struct RunContext {
  Stream stream;
  std::uint64_t seed = 0;                ///< of the run
  std::uint64_t step = 0;                ///< optimizer steps done so far
  std::int64_t* bytes_copied = nullptr;  ///< counts what concat, slice and accumulation had to copy
};

/// Tensors of one call. Inputs are not const because an op may update state it declares.
struct OpCall {
  const TensorView* inputs = nullptr;
  const TensorView* outputs = nullptr;
  Workspace workspace;
};

/// How an output may share memory with an input.
struct AliasRule {
  enum class Kind : std::uint8_t {
    in_place,     ///< output may take the input's memory if nobody reads the input afterwards
    accumulates,  ///< output = input + contribution: shares if possible, else the op copies first
    view,         ///< output is channels [offset, offset + C) of the input
    holds,        ///< input is channels [offset, offset + C) of the output
  };
  Kind kind = Kind::in_place;
  std::int32_t output = 0;
  std::int32_t input = 0;
  std::int64_t channel_offset = 0;  ///< view and holds only
};

class BackwardContext;

class Op {
 public:
  Op() = default;
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;
  virtual ~Op() = default;

  /// Lower-case name as used in messages and reports, e.g. "conv_forward".
  virtual std::string name() const = 0;
  /// Shape rule: types of the outputs, or Error(invalid_argument) naming the op and the shapes.
  virtual std::vector<TensorType> infer(const std::vector<TensorType>& inputs) const = 0;
  virtual std::size_t workspace_bytes(const std::vector<TensorType>& inputs, Device device) const;
  virtual void run(const RunContext& context, const OpCall& call) const = 0;
  /// Whether run() depends on the seed or the step, so that a recording cannot be replayed.
  virtual bool varies_by_step() const { return false; }
  /// Appends the nodes that compute the gradients of this node's inputs. Default: Error(internal),
  /// for ops that only appear in backward passes.
  virtual void backward(BackwardContext& context) const;
  virtual std::vector<AliasRule> alias_rules() const { return {}; }
  /// For passes: this op reading its input 0 through NormRelu (kernels/norm_relu.h), with inputs
  /// mean, inv_std, gamma, beta behind the others; null if it cannot.
  virtual std::shared_ptr<const Op> with_norm_on_load() const { return nullptr; }
  /// This op with the batch statistics of its output 0 as further outputs mean, variance, inv_std;
  /// null if it cannot.
  virtual std::shared_ptr<const Op> with_statistics(float epsilon) const;
  /// The op that with_statistics was called on; null if it has none.
  virtual std::shared_ptr<const Op> without_statistics() const { return nullptr; }
  /// Multiply-accumulates of one run; 0 for everything that is not a matrix product.
  virtual std::int64_t macs(const std::vector<TensorType>& inputs) const;
  /// Bytes that one run has to read and write if no cache helps. Default: every input and output
  /// once; ops whose kernels make further passes add them.
  virtual std::int64_t bytes_moved(const std::vector<TensorType>& inputs,
                                   const std::vector<TensorType>& outputs) const;
};

/// The gradient of a value while it is put together. A value whose readers are batch norms has a
/// deferred one (kernels/norm_relu.h): g with the sums a and b, from which the gradient follows.
struct Gradient {
  ValueId g = kNoValue;
  ValueId a = kNoValue, b = kNoValue;
  bool exists() const { return g != kNoValue; }
  bool deferred() const { return a != kNoValue; }
};

/// A gradient as inputs of an op that can apply what is deferred: g, or g, y, mean, inv_std, a, b.
struct LoadedGradient {
  std::vector<ValueId> values;
  bool deferred = false;
};

/// What an op's backward rule sees: the gradients of its outputs, and where to put those of its
/// inputs. A gradient with several contributions accumulates in place: the first contribution
/// overwrites, each later op receives the sum so far as an extra last input. What is contributed to
/// the rounded copy of a parameter is the gradient of the parameter.
class BackwardContext {
 public:
  /// `apply_on_load`: whether loaded_gradient may return deferred gradients.
  BackwardContext(Graph& graph, const Node& node, std::vector<Gradient>& gradients,
                  const std::vector<bool>& needs_gradient, bool apply_on_load);

  ValueId input(int index) const { return node_.inputs[static_cast<std::size_t>(index)]; }
  ValueId output(int index) const { return node_.outputs[static_cast<std::size_t>(index)]; }
  int num_inputs() const { return static_cast<int>(node_.inputs.size()); }
  const Value& input_value(int index) const { return graph_.value(input(index)); }
  const TensorType& input_type(int index) const { return input_value(index).type; }
  /// Gradient of an output, or kNoValue when nothing depends on it. What is deferred is applied
  /// first, by a node of its own.
  ValueId output_gradient(int index);
  /// Gradient of an output that something depends on, for ops that can apply what is deferred.
  LoadedGradient loaded_gradient(int index);
  bool needs_gradient(int input_index) const;
  /// Whether the next contribution to this input's gradient is the first.
  GradMode mode(int input_index) const;

  /// Adds a backward node whose output 0 is a contribution to the gradient of `input_index`. `op`
  /// must have been built for mode(input_index); with accumulate the sum so far is appended to
  /// `inputs` here. Returns all outputs.
  std::vector<ValueId> contribute(int input_index, std::shared_ptr<const Op> op,
                                  std::vector<ValueId> inputs);
  /// As contribute, for an op whose outputs 0, 1 and 2 are contributions to g, a and b.
  std::vector<ValueId> contribute_deferred(int input_index, std::shared_ptr<const Op> op,
                                           std::vector<ValueId> inputs);
  /// A contribution that is known to be zero.
  void contribute_zero(int input_index);
  /// Adds a backward node that is no contribution by itself and returns its first output.
  ValueId add_node(int input_index, std::shared_ptr<const Op> op,
                   const std::vector<ValueId>& inputs);
  /// Adds a node that is no gradient, named after this one, and returns its first output.
  ValueId add_side_node(const std::string& suffix, std::shared_ptr<const Op> op,
                        const std::vector<ValueId>& inputs);
  /// Registers a further output of a backward node as contribution (an add node joins it to
  /// earlier ones).
  void contribute_value(int input_index, ValueId contribution);
  /// For ops that only rearrange channels: the gradient of output 0 as it is.
  const Gradient& unapplied_gradient() const;
  void contribute_unapplied(int input_index, const Gradient& contribution);

 private:
  ValueId owner(int input_index) const;  // of the gradient
  Gradient& gradient_of(int input_index);
  void require_plain(int input_index) const;
  std::string gradient_name(int input_index) const;

  Graph& graph_;
  Node node_;  // a copy: adding nodes moves the graph's own
  std::vector<Gradient>& gradients_;
  const std::vector<bool>& needs_gradient_;
  bool apply_on_load_;
};

/// For the run() of accumulating ops: makes `output` hold the sum so far (nothing to do when it
/// shares the input's memory).
void begin_accumulation(const RunContext& context, ConstTensorView sum_so_far, TensorView output);

}  // namespace accrete
