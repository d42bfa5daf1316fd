// SPDX-License-Identifier: Apache-2.0
// Scale, shift and ReLU with given statistics, as an op of its own and as a part of others.
#pragma once

#include <string>
#include <vector>

#include "accrete/engine/op.h"
#include "accrete/kernels/norm_relu.h"

namespace accrete {

/// Inputs that describe a NormRelu: mean, inv_std, gamma, beta.
constexpr std::size_t kNormInputs = 4;
/// The same as a kernel argument. `inputs` points at the first of them.
kernels::NormRelu norm_argument(const TensorView* inputs);
/// Error(invalid_argument) unless the vectors, from in[first] on, fit x.
void check_norm_inputs(const std::string& op, const std::vector<TensorType>& in, std::size_t first);

/// Inputs x, mean, inv_std, gamma, beta; output NormRelu(x).
class NormReluForward final : public Op {
 public:
  std::string name() const override { return "norm_relu"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& inputs) const override;
  std::vector<AliasRule> alias_rules() const override;
  void run(const RunContext& context, const OpCall& call) const override;
  void backward(BackwardContext& context) const override;
};

/// inputs: x, mean, inv_std, gamma, beta.
ValueId add_norm_relu(Graph& graph, const std::string& name, const std::vector<ValueId>& inputs);

/// How a reader of x through NormRelu contributes to the gradient of x.
struct NormGradientKind {
  GradMode mode = GradMode::overwrite;
  bool deferred = true;  ///< false: the statistics are constants (kernels::NormReluGradient)
};
/// The kind for a node whose input 0 is x and whose inputs from `first_norm` on are the norm's:
/// statistics of x itself, or states, which are constants. Error(internal) if they are neither.
NormGradientKind norm_gradient_kind(const BackwardContext& context, std::size_t first_norm);

/// What backward ops of readers through NormRelu share. Their last inputs are x, mean, inv_std,
/// gamma, beta. Outputs: g, if deferred a and b (contributions to the gradient of x), grad_gamma,
/// grad_beta. With accumulate the sums so far of the contributions are further inputs.
class NormReluGradientOp : public Op {
 public:
  /// `x_input` is the index of x among the inputs.
  NormReluGradientOp(const NormGradientKind& kind, std::size_t x_input)
      : kind_(kind), x_input_(x_input) {}

  std::vector<TensorType> infer(const std::vector<TensorType>& inputs) const override;
  /// Default: that of the calls in norm_relu.h and norm_relu_pool.h.
  std::size_t workspace_bytes(const std::vector<TensorType>& inputs, Device device) const override;
  std::vector<AliasRule> alias_rules() const override;
  void run(const RunContext& context, const OpCall& call) const final;
  const NormGradientKind& kind() const { return kind_; }

 protected:
  /// Where the sums so far begin among the inputs, and how many they are.
  std::size_t num_inputs() const { return x_input_ + 1 + kNormInputs; }
  std::size_t num_sums_so_far() const;
  virtual void contribute(const RunContext& context, const OpCall& call,
                          const kernels::NormReluGradient& out) const = 0;

 private:
  NormGradientKind kind_;
  std::size_t x_input_;
};

/// Inputs of a gradient as it has to be loaded: g, or g, y, mean, inv_std, a, b when batch norm
/// still owes something to it (kernels/norm_relu.h).
inline std::size_t gradient_inputs(bool deferred) {
  return deferred ? 6 : 1;
}
kernels::DeferredGradient gradient_argument(const TensorView* inputs, bool deferred);

/// `gradient` and behind it all inputs of the node: what the backward op of a reader with a norm
/// takes.
std::vector<ValueId> gradient_and_inputs(const BackwardContext& context,
                                         std::vector<ValueId> gradient);

/// Registers a reader's contributions: `op` is one for norm_gradient_kind(context, first_norm),
/// `inputs` its inputs without the sums so far.
void contribute_norm_relu(BackwardContext& context, std::size_t first_norm,
                          const std::shared_ptr<const NormReluGradientOp>& op,
                          const std::vector<ValueId>& inputs);

}  // namespace accrete
