// SPDX-License-Identifier: Apache-2.0
// The gradients of a convolution's data and weights, plain and fused with batch norm.
#include <algorithm>

#include "accrete/kernels/conv.h"
#include "accrete/kernels/kernels.h"
#include "call_functions.h"
#include "ops/conv.h"
#include "ops/gradient_op.h"
#include "ops/norm_relu.h"

namespace accrete {
namespace {

std::string gradient_name(const char* kernel, bool deferred, bool norm) {
  return std::string(deferred ? "deferred+" : "") + kernel + (norm ? "+norm_relu" : "");
}

// Data, x as it is.
class ConvDgrad final : public GradientOp {
 public:
  ConvDgrad(const ConvProblem& problem, bool deferred, GradMode mode)
      : GradientOp(mode, static_cast<int>(gradient_inputs(deferred)) + 1),
        problem_(problem),
        deferred_(deferred) {}
  std::string name() const override { return gradient_name("conv_dgrad", deferred_, false); }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {{problem_.x_shape(), in[0].dtype}};
  }
  std::size_t workspace_bytes(const std::vector<TensorType>& in, Device device) const override {
    const auto bytes =
        deferred_ ? kernels::fused_conv_dgrad_workspace_bytes : kernels::conv_dgrad_workspace_bytes;
    return bytes(problem_, device, in[0].dtype);
  }
  std::int64_t macs(const std::vector<TensorType>& /*in*/) const override {
    return problem_.macs();
  }

 private:
  void contribute(const RunContext& context, const OpCall& call) const override {
    const TensorView& weight = call.inputs[gradient_inputs(deferred_)];
    if (!deferred_) {
      kernels::conv_dgrad(context.stream, problem_, call.inputs[0], weight, call.outputs[0], mode(),
                          call.workspace);
      return;
    }
    kernels::NormReluGradient out;
    out.g = call.outputs[0];
    out.mode = mode();
    kernels::fused_conv_dgrad(context.stream, problem_, gradient_argument(call.inputs, true),
                              weight, {}, {}, out, call.workspace);
  }

  ConvProblem problem_;
  bool deferred_;
};

// Data, x read through NormRelu.
class ConvNormDgrad final : public NormReluGradientOp {
 public:
  ConvNormDgrad(const ConvProblem& problem, bool deferred, const NormGradientKind& kind)
      : NormReluGradientOp(kind, gradient_inputs(deferred) + 1),
        problem_(problem),
        deferred_(deferred) {}
  std::string name() const override { return gradient_name("conv_dgrad", deferred_, true); }
  std::size_t workspace_bytes(const std::vector<TensorType>& in, Device device) const override {
    return kernels::fused_conv_dgrad_workspace_bytes(problem_, device, in[0].dtype);
  }
  std::int64_t macs(const std::vector<TensorType>& /*in*/) const override {
    return problem_.macs();
  }
  bool deferred() const { return deferred_; }

 private:
  void contribute(const RunContext& context, const OpCall& call,
                  const kernels::NormReluGradient& out) const override {
    const TensorView* rest = call.inputs + gradient_inputs(deferred_);
    kernels::fused_conv_dgrad(context.stream, problem_, gradient_argument(call.inputs, deferred_),
                              rest[0], rest[1], norm_argument(rest + 2), out, call.workspace);
  }

  ConvProblem problem_;
  bool deferred_;
};

class ConvWgrad final : public GradientOp {
 public:
  ConvWgrad(const ConvProblem& problem, bool deferred, bool norm, GradMode mode)
      : GradientOp(mode,
                   static_cast<int>(1 + (norm ? kNormInputs : 0) + gradient_inputs(deferred))),
        problem_(problem),
        deferred_(deferred),
        norm_(norm) {}
  std::string name() const override { return gradient_name("conv_wgrad", deferred_, norm_); }
  std::vector<TensorType> infer(const std::vector<TensorType>& /*in*/) const override {
    return {{problem_.weight_shape(), DType::f32}};
  }
  std::size_t workspace_bytes(const std::vector<TensorType>& in, Device device) const override {
    const auto bytes = deferred_ || norm_ ? kernels::fused_conv_wgrad_workspace_bytes
                                          : kernels::conv_wgrad_workspace_bytes;
    return bytes(problem_, device, in[0].dtype);
  }
  std::int64_t macs(const std::vector<TensorType>& /*in*/) const override {
    return problem_.macs();
  }
  const ConvProblem& problem() const { return problem_; }
  bool norm() const { return norm_; }
  using GradientOp::mode;
  /// The inputs from this one on are the gradient of y.
  std::size_t gradient_input() const { return 1 + (norm_ ? kNormInputs : 0); }

 private:
  void contribute(const RunContext& context, const OpCall& call) const override {
    const TensorView* in = call.inputs;
    const TensorView* gradient = in + gradient_input();
    if (!deferred_ && !norm_) {
      kernels::conv_wgrad(context.stream, problem_, in[0], gradient[0], call.outputs[0], mode(),
                          call.workspace);
      return;
    }
    const kernels::NormRelu norm = norm_ ? norm_argument(in + 1) : kernels::NormRelu();
    kernels::fused_conv_wgrad(context.stream, problem_, in[0], norm,
                              gradient_argument(gradient, deferred_), call.outputs[0], mode(),
                              call.workspace);
  }

  ConvProblem problem_;
  bool deferred_;
  bool norm_;
};

// Data and weights, x read through NormRelu.
class ConvNormBackward final : public NormReluGradientOp {
 public:
  ConvNormBackward(const ConvProblem& problem, bool deferred, const NormGradientKind& kind,
                   GradMode weight_mode)
      : NormReluGradientOp(kind, gradient_inputs(deferred) + 1),
        problem_(problem),
        deferred_(deferred),
        weight_mode_(weight_mode) {}
  std::string name() const override { return gradient_name("conv_backward", deferred_, true); }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    std::vector<TensorType> types = NormReluGradientOp::infer(in);
    types.push_back({problem_.weight_shape(), DType::f32});
    return types;
  }
  std::vector<AliasRule> alias_rules() const override {
    std::vector<AliasRule> rules = NormReluGradientOp::alias_rules();
    if (weight_mode_ == GradMode::accumulate) {
      rules.push_back({AliasRule::Kind::accumulates, static_cast<std::int32_t>(weight_output()),
                       static_cast<std::int32_t>(weight_sum()), 0});
    }
    return rules;
  }
  std::size_t workspace_bytes(const std::vector<TensorType>& in, Device device) const override {
    return kernels::fused_conv_backward_workspace_bytes(problem_, device, in[0].dtype);
  }
  std::int64_t macs(const std::vector<TensorType>& /*in*/) const override {
    return 2 * problem_.macs();
  }

 private:
  std::size_t weight_output() const { return kind().deferred ? 5 : 3; }
  std::size_t weight_sum() const { return num_inputs() + num_sums_so_far(); }

  void contribute(const RunContext& context, const OpCall& call,
                  const kernels::NormReluGradient& out) const override {
    const TensorView& grad_weight = call.outputs[weight_output()];
    if (weight_mode_ == GradMode::accumulate) {
      begin_accumulation(context, call.inputs[weight_sum()], grad_weight);
    }
    const TensorView* rest = call.inputs + gradient_inputs(deferred_);
    kernels::fused_conv_backward(context.stream, problem_, rest[1], norm_argument(rest + 2),
                                 rest[0], gradient_argument(call.inputs, deferred_), out,
                                 grad_weight, weight_mode_, call.workspace);
  }

  ConvProblem problem_;
  bool deferred_;
  GradMode weight_mode_;
};

}  // namespace

std::shared_ptr<const Op> make_conv_dgrad(const ConvProblem& problem, bool deferred,
                                          GradMode mode) {
  return std::make_shared<ConvDgrad>(problem, deferred, mode);
}

std::shared_ptr<const NormReluGradientOp> make_conv_norm_dgrad(const ConvProblem& problem,
                                                               bool deferred,
                                                               const NormGradientKind& kind) {
  return std::make_shared<ConvNormDgrad>(problem, deferred, kind);
}

std::shared_ptr<const Op> make_conv_wgrad(const ConvProblem& problem, bool deferred, bool norm,
                                          GradMode mode) {
  return std::make_shared<ConvWgrad>(problem, deferred, norm, mode);
}

PairedGradients pair_conv_gradients(const Node& wgrad, const Node& dgrad) {
  const auto* weights = dynamic_cast<const ConvWgrad*>(wgrad.op.get());
  const auto* data = dynamic_cast<const ConvNormDgrad*>(dgrad.op.get());
  if (weights == nullptr || data == nullptr || !weights->norm()) {
    return {};
  }
  // The same gradient of y, x and norm: what wgrad reads in another order.
  const auto gradient = static_cast<std::ptrdiff_t>(gradient_inputs(data->deferred()));
  const auto read = dgrad.inputs.begin() + gradient + 1;
  const auto num_read = static_cast<std::ptrdiff_t>(weights->gradient_input());
  std::vector<ValueId> same(read, read + num_read);
  same.insert(same.end(), dgrad.inputs.begin(), dgrad.inputs.begin() + gradient);
  if (!std::equal(same.begin(), same.end(), wgrad.inputs.begin())) {
    return {};
  }
  PairedGradients pair{std::make_shared<ConvNormBackward>(weights->problem(), data->deferred(),
                                                          data->kind(), weights->mode()),
                       dgrad.inputs};
  pair.inputs.insert(pair.inputs.end(),
                     wgrad.inputs.begin() + static_cast<std::ptrdiff_t>(same.size()),
                     wgrad.inputs.end());
  return pair;
}

}  // namespace accrete
