// SPDX-License-Identifier: Apache-2.0
// The convolution op, with whatever passes have fused into it.
#pragma once

#include <memory>

#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "ops/norm_relu.h"

namespace accrete {

/// What a convolution does besides multiplying. The parts' inputs and outputs follow the plain ones
/// in this order.
struct ConvParts {
  bool bias = false;        ///< input [1,1,1,K]
  bool norm = false;        ///< x is read through NormRelu: inputs mean, inv_std, gamma, beta
  bool statistics = false;  ///< outputs mean, variance, inv_std of y
  float epsilon = 0.0F;     ///< of the statistics

  std::size_t norm_input() const { return bias ? 3 : 2; }
};

/// Inputs x, weight and those of the parts; outputs y and those of the parts.
class Conv final : public Op {
 public:
  Conv(const ops::ConvAttributes& attributes, const ConvParts& parts)
      : attributes_(attributes), parts_(parts) {}

  std::string name() const override;
  std::vector<TensorType> infer(const std::vector<TensorType>& inputs) const override;
  std::size_t workspace_bytes(const std::vector<TensorType>& inputs, Device device) const override;
  void run(const RunContext& context, const OpCall& call) const override;
  void backward(BackwardContext& context) const override;
  std::int64_t macs(const std::vector<TensorType>& inputs) const override;
  std::shared_ptr<const Op> with_norm_on_load() const override;
  std::shared_ptr<const Op> with_statistics(float epsilon) const override;
  std::shared_ptr<const Op> without_statistics() const override;

  /// Whether this is a 1x1 convolution with stride 1 and no parts but a bias.
  bool is_pointwise(const Shape& weight) const;
  /// Whether this is a 1x1 convolution that reads through NormRelu.
  bool is_bottleneck(const Shape& weight) const {
    return parts_.norm && weight.h == 1 && weight.w == 1;
  }

 private:
  ConvProblem problem_for(const Shape& x, const Shape& weight) const;

  ops::ConvAttributes attributes_;
  ConvParts parts_;
};

/// Gradient of the data: inputs of the gradient of y (norm_relu.h), weight.
std::shared_ptr<const Op> make_conv_dgrad(const ConvProblem& problem, bool deferred, GradMode mode);
/// The same with a norm: further inputs x, mean, inv_std, gamma, beta.
std::shared_ptr<const NormReluGradientOp> make_conv_norm_dgrad(const ConvProblem& problem,
                                                               bool deferred,
                                                               const NormGradientKind& kind);
/// Gradient of the weights: inputs x, with a norm mean, inv_std, gamma, beta, then those of the
/// gradient of y.
std::shared_ptr<const Op> make_conv_wgrad(const ConvProblem& problem, bool deferred, bool norm,
                                          GradMode mode);

/// Both gradients of a convolution as one op: inputs of the gradient of y, weight, x, mean,
/// inv_std, gamma, beta, and the sums so far of the data's and of the weights' gradient where they
/// accumulate. Outputs: those of the data's gradient, then the weights'.
struct PairedGradients {
  std::shared_ptr<const Op> op;
  std::vector<ValueId> inputs;
};
/// Of two nodes of a backward pass; without an op unless they are the gradients of one convolution
/// that reads x through NormRelu.
PairedGradients pair_conv_gradients(const Node& wgrad, const Node& dgrad);

}  // namespace accrete
