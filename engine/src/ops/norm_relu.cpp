// SPDX-License-Identifier: Apache-2.0
#include "ops/norm_relu.h"
#include "call_functions.h"

#include "accrete/kernels/error.h"

namespace accrete {
namespace {

// Inputs grad_y, x, mean, inv_std, gamma, beta.
class NormReluBackward final : public NormReluGradientOp {
 public:
  explicit NormReluBackward(const NormGradientKind& kind) : NormReluGradientOp(kind, 1) {}
  std::string name() const override { return "norm_relu_backward"; }
  std::vector<AliasRule> alias_rules() const override {
    if (kind().mode == GradMode::overwrite) {
      return {{AliasRule::Kind::in_place, 0, 0, 0}};
    }
    return NormReluGradientOp::alias_rules();
  }

 private:
  void contribute(const RunContext& context, const OpCall& call,
                  const kernels::NormReluGradient& out) const override {
    kernels::norm_relu_backward(context.stream, call.inputs[0], call.inputs[1],
                                norm_argument(call.inputs + 2), out, call.workspace);
  }
};

}  // namespace

kernels::NormRelu norm_argument(const TensorView* inputs) {
  return {inputs[0], inputs[1], inputs[2], inputs[3]};
}

void check_norm_inputs(const std::string& op, const std::vector<TensorType>& in,
                       std::size_t first) {
  const Shape vector = channel_vector(in[0].shape.c);
  for (std::size_t i = first; i < first + kNormInputs; ++i) {
    if (in[i].shape != vector) {
      throw Error(ErrorCode::invalid_argument,
                  "[" + op + "] a vector of the norm is " + to_string(in[i].shape) + ", x " +
                      to_string(in[0].shape) + " needs " + to_string(vector));
    }
  }
}

std::vector<TensorType> NormReluForward::infer(const std::vector<TensorType>& inputs) const {
  check_norm_inputs(name(), inputs, 1);
  return {inputs[0]};
}

std::vector<AliasRule> NormReluForward::alias_rules() const {
  return {{AliasRule::Kind::in_place, 0, 0, 0}};
}

void NormReluForward::run(const RunContext& context, const OpCall& call) const {
  kernels::norm_relu_forward(context.stream, call.inputs[0], norm_argument(call.inputs + 1),
                             call.outputs[0]);
}

void NormReluForward::backward(BackwardContext& context) const {
  contribute_norm_relu(context, 1,
                       std::make_shared<NormReluBackward>(norm_gradient_kind(context, 1)),
                       gradient_and_inputs(context, {context.output_gradient(0)}));
}

ValueId add_norm_relu(Graph& graph, const std::string& name, const std::vector<ValueId>& inputs) {
  return graph.add_node(name, std::make_shared<NormReluForward>(), inputs)[0];
}

std::vector<TensorType> NormReluGradientOp::infer(const std::vector<TensorType>& inputs) const {
  const TensorType& x = inputs[x_input_];
  std::vector<TensorType> types = {x};
  types.resize(kind_.deferred ? 5 : 3, {channel_vector(x.shape.c), DType::f32});
  return types;
}

std::size_t NormReluGradientOp::workspace_bytes(const std::vector<TensorType>& inputs,
                                                Device device) const {
  return kernels::norm_relu_workspace_bytes(inputs[x_input_].shape, device);
}

std::vector<AliasRule> NormReluGradientOp::alias_rules() const {
  const auto first = static_cast<std::int32_t>(num_inputs());
  std::vector<AliasRule> rules;
  rules.reserve(num_sums_so_far());
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(num_sums_so_far()); ++i) {
    rules.push_back({AliasRule::Kind::accumulates, i, first + i, 0});
  }
  return rules;
}

void NormReluGradientOp::run(const RunContext& context, const OpCall& call) const {
  const TensorView* out = call.outputs;
  for (std::size_t i = 0; i < num_sums_so_far(); ++i) {
    begin_accumulation(context, call.inputs[num_inputs() + i], out[i]);
  }
  if (kind_.deferred) {
    contribute(context, call, {out[0], out[1], out[2], out[3], out[4], kind_.mode});
  } else {
    contribute(context, call, {out[0], {}, {}, out[1], out[2], kind_.mode});
  }
}

std::size_t NormReluGradientOp::num_sums_so_far() const {
  if (kind_.mode == GradMode::overwrite) {
    return 0;
  }
  return kind_.deferred ? 3 : 1;
}

kernels::DeferredGradient gradient_argument(const TensorView* inputs, bool deferred) {
  kernels::DeferredGradient gradient;
  gradient.g = inputs[0];
  if (deferred) {
    gradient = {inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], inputs[5]};
  }
  return gradient;
}

std::vector<ValueId> gradient_and_inputs(const BackwardContext& context,
                                         std::vector<ValueId> gradient) {
  for (int i = 0; i < context.num_inputs(); ++i) {
    gradient.push_back(context.input(i));
  }
  return gradient;
}

NormGradientKind norm_gradient_kind(const BackwardContext& context, std::size_t first_norm) {
  const auto mean = static_cast<int>(first_norm);
  const bool of_x = context.input_value(0).statistics.mean == context.input(mean);
  if (!of_x && context.input_value(mean).kind != ValueKind::state) {
    throw Error(ErrorCode::internal, "[norm_relu] " + context.input_value(0).name +
                                         " is normalised with statistics that are not its own: " +
                                         context.input_value(mean).name);
  }
  return {context.mode(0), of_x};
}

void contribute_norm_relu(BackwardContext& context, std::size_t first_norm,
                          const std::shared_ptr<const NormReluGradientOp>& op,
                          const std::vector<ValueId>& inputs) {
  const bool deferred = op->kind().deferred;
  const std::vector<ValueId> outputs =
      deferred ? context.contribute_deferred(0, op, inputs) : context.contribute(0, op, inputs);
  const auto gamma = static_cast<int>(first_norm) + 2;
  const std::size_t grad_gamma = deferred ? 3 : 1;
  context.contribute_value(gamma, outputs[grad_gamma]);
  context.contribute_value(gamma + 1, outputs[grad_gamma + 1]);
}

}  // namespace accrete
