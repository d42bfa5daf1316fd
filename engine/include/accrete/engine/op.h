// SPDX-License-Identifier: Apache-2.0
// The interface of an operation. An op is immutable and shared between nodes and graphs: it holds
// attributes (a stride, a rate), while its tensors and optional parts are those of the node. It
// owns its shape rule, its workspace, its kernel call, its backward rule (as new nodes) and what it
// says about sharing memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "accrete/engine/graph.h"
#include "accrete/kernels/call.h"
#include "accrete/kernels/elementwise.h"

namespace accrete {

class BackwardContext;

/// What changes from run to run.
struct RunContext {
  Stream stream;
  std::uint64_t seed = 0;                ///< of the run
  std::uint64_t step = 0;                ///< optimizer steps done so far
  std::int64_t* bytes_copied = nullptr;  ///< counts what concat, slice and accumulation had to copy
};

/// A call with its tensors: a run looks nothing up and allocates nothing. Returns the name of the
/// implementation that was chosen.
using BoundCall = std::function<const char*(const RunContext& context, const Workspace& workspace)>;

/// The tensors of a node by slot. Those without data are planned: a shape and a dtype.
class Tensors {
 public:
  /// `views` are those of the inputs and behind them those of the outputs.
  Tensors(const Node& node, TensorView* views) : node_(node), views_(views) {}

  const Node& node() const { return node_; }
  /// Empty if the node has no such operand. Of an output that accumulates: the output.
  TensorView operator[](Slot slot) const;
  /// That at a place in the lists, for slots that stand more than once: inputs, then outputs.
  const TensorView& view(std::size_t index) const { return views_[index]; }
  GradMode mode(Slot output) const {
    return node_.accumulates(output) ? GradMode::accumulate : GradMode::overwrite;
  }
  /// For shape rules: what an output is. Nothing happens if the node does not write it.
  void plan(Slot output, const Shape& shape, DType dtype = DType::f32);

 private:
  const Node& node_;
  TensorView* views_;
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
  ValueId output = kNoValue;
  ValueId input = kNoValue;
  std::int64_t channel_offset = 0;  ///< view and holds only
};

/// An output that may take the memory of an input.
struct InPlace {
  Slot output = Slot::y;
  Slot input = Slot::x;
};

/// What passes may know of an op.
struct OpTraits {
  bool is_relu = false;                ///< y = max(0, x) and no more
  bool is_norm_relu = false;           ///< the norm of x and no more
  bool takes_relu = false;             ///< can apply a ReLU that follows it (Node::relu)
  bool takes_norm = false;             ///< x may be read through a norm
  bool takes_statistics = false;       ///< can take the statistics of y while it writes y
  bool statistics_need_norm = false;   ///< but only where x is read through a norm
  bool keeps_pixels = false;           ///< y has a pixel for each of x if a window is one pixel
  bool averages = false;               ///< the mean of windows of pixels
  bool pads = false;                   ///< windows reach beyond the image
  bool computes_side_by_side = false;  ///< nodes of the same op can be one that has all outputs
};

class Op {
 public:
  Op() = default;
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;
  virtual ~Op() = default;

  /// Lower-case name as used in messages, without optional parts, e.g. "conv_forward". What a node
  /// writes may be part of it.
  virtual std::string name(const Node& node) const = 0;
  /// Shape rule: plans the outputs, or throws Error(invalid_argument) naming the op and the shapes.
  virtual void infer(Tensors& tensors) const = 0;
  virtual std::size_t workspace_bytes(const Tensors& tensors, const Device& device) const;
  /// What a run has to do at the least. Default: every operand is moved once.
  virtual kernels::Cost cost(const Tensors& tensors) const;
  /// The kernel call of a node whose tensors have memory. Outputs that accumulate hold the sum so
  /// far when it runs.
  virtual BoundCall bind(const Tensors& tensors) const = 0;
  /// Whether the call depends on the seed or the step, so that a recording cannot be replayed.
  virtual bool varies_by_step() const { return false; }
  /// Appends the nodes that compute the gradients of this node's inputs (autograd.h). Default:
  /// Error(internal), for ops that only appear in backward passes.
  virtual void backward(BackwardContext& context) const;
  virtual OpTraits traits() const { return {}; }
  /// Default: outputs accumulate where the node says so; others share as in_place() says.
  virtual std::vector<AliasRule> alias_rules(const Graph& graph, const Node& node) const;

 protected:
  virtual std::vector<InPlace> in_place() const { return {}; }
};

/// The types of a node's inputs and, where they have values, its outputs as planned tensors.
std::vector<TensorView> planned_views(const Graph& graph, const Node& node);
std::size_t workspace_bytes(const Graph& graph, const Node& node, const Device& device);
kernels::Cost cost(const Graph& graph, const Node& node);

/// Copies and counts the bytes.
void run_counted(const RunContext& context, const kernels::Copy& copy);

}  // namespace accrete
