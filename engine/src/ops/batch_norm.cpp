// SPDX-License-Identifier: Apache-2.0
#include "ops/batch_norm.h"
#include "call_functions.h"

#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"
#include "ops/channel_statistics.h"
#include "ops/gradient_op.h"

namespace accrete {
namespace {

// Inputs grad_y, x, gamma, beta, mean, inv_std and, with accumulate, the gradient so far.
// Outputs grad_x, grad_gamma, grad_beta.
class BatchNormBackward final : public GradientOp {
 public:
  BatchNormBackward(const kernels::BatchNormOptions& options, bool constant, GradMode mode)
      : GradientOp(mode, 6, InPlace::first_input), options_(options), constant_(constant) {}
  std::string name() const override { return "batch_norm_backward"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {in[1], in[2], in[3]};
  }
  std::size_t workspace_bytes(const std::vector<TensorType>& in, Device device) const override {
    return kernels::batch_norm_workspace_bytes(in[1].shape, device);
  }
  void contribute(const RunContext& context, const OpCall& call) const override {
    const TensorView* in = call.inputs;
    kernels::batch_norm_backward(context.stream, options_, constant_, in[0], in[1], in[2], in[3],
                                 in[4], in[5], call.outputs[0], mode(), call.outputs[1],
                                 call.outputs[2], call.workspace);
  }

  // One pass for the sums, one for the gradient.
  std::int64_t bytes_moved(const std::vector<TensorType>& inputs,
                           const std::vector<TensorType>& outputs) const override {
    return Op::bytes_moved(inputs, outputs) + inputs[0].bytes() + inputs[1].bytes();
  }

 private:
  kernels::BatchNormOptions options_;
  bool constant_;  // statistics
};

// Adds the backward node of a batch norm whose inputs are x, gamma, beta, ...
void contribute_gradients(BackwardContext& context, const kernels::BatchNormOptions& options,
                          bool constant, ValueId mean, ValueId inv_std) {
  const auto outputs =
      context.contribute(0, std::make_shared<BatchNormBackward>(options, constant, context.mode(0)),
                         {context.output_gradient(0), context.input(0), context.input(1),
                          context.input(2), mean, inv_std});
  context.contribute_value(1, outputs[1]);
  context.contribute_value(2, outputs[2]);
}

void check_vectors(const std::vector<TensorType>& inputs) {
  const Shape vector = channel_vector(inputs[0].shape.c);
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i].shape != vector) {
      throw Error(ErrorCode::invalid_argument,
                  "[batch_norm] a parameter is " + to_string(inputs[i].shape) + ", x " +
                      to_string(inputs[0].shape) + " needs " + to_string(vector));
    }
  }
}

class BatchNormNormalise final : public Op {
 public:
  explicit BatchNormNormalise(const kernels::BatchNormOptions& options) : options_(options) {}
  std::string name() const override {
    return options_.relu ? "batch_norm_normalise_relu" : "batch_norm_normalise";
  }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    check_vectors(in);
    return {in[0]};
  }
  std::vector<AliasRule> alias_rules() const override {
    return {{AliasRule::Kind::in_place, 0, 0, 0}};
  }
  void run(const RunContext& context, const OpCall& call) const override {
    const TensorView* in = call.inputs;
    kernels::batch_norm_normalise(context.stream, options_, in[0], in[1], in[2], in[3], in[4],
                                  call.outputs[0]);
  }
  void backward(BackwardContext& context) const override {
    contribute_gradients(context, options_, false, context.input(3), context.input(4));
  }

 private:
  kernels::BatchNormOptions options_;
};

std::vector<ValueId> inputs_of(ValueId x, const ops::BatchNormParameters& p) {
  return {x, p.gamma, p.beta, p.running_mean, p.running_var};
}

}  // namespace

std::string BatchNorm::name() const {
  const std::string base = batch_statistics_ ? "batch_norm_training" : "batch_norm_inference";
  return options_.relu ? base + "_relu" : base;
}

std::vector<TensorType> BatchNorm::infer(const std::vector<TensorType>& inputs) const {
  check_vectors(inputs);
  if (!batch_statistics_) {
    return {inputs[0]};
  }
  const Shape vector = channel_vector(inputs[0].shape.c);
  return {inputs[0], {vector, DType::f32}, {vector, DType::f32}};
}

std::size_t BatchNorm::workspace_bytes(const std::vector<TensorType>& inputs, Device device) const {
  return batch_statistics_ ? kernels::batch_norm_workspace_bytes(inputs[0].shape, device) : 0;
}

std::vector<AliasRule> BatchNorm::alias_rules() const {
  return {{AliasRule::Kind::in_place, 0, 0, 0}};
}

// x is read for its statistics and again to be normalised.
std::int64_t BatchNorm::bytes_moved(const std::vector<TensorType>& inputs,
                                    const std::vector<TensorType>& outputs) const {
  return Op::bytes_moved(inputs, outputs) + (batch_statistics_ ? inputs[0].bytes() : 0);
}

void BatchNorm::run(const RunContext& context, const OpCall& call) const {
  const TensorView* in = call.inputs;
  const TensorView* out = call.outputs;
  if (batch_statistics_) {
    kernels::batch_norm_training(context.stream, options_, in[0], in[1], in[2], in[3], in[4],
                                 out[1], out[2], out[0], call.workspace);
  } else {
    kernels::batch_norm_inference(context.stream, options_, in[0], in[1], in[2], in[3], in[4],
                                  out[0]);
  }
}

void BatchNorm::backward(BackwardContext& context) const {
  if (batch_statistics_) {
    contribute_gradients(context, options_, false, context.output(1), context.output(2));
    return;
  }
  const ValueId inv_std = context.add_side_node(
      ".inv_std", make_inverse_deviation(options_.epsilon), {context.input(4)});
  contribute_gradients(context, options_, true, context.input(3), inv_std);
}

std::shared_ptr<const Op> BatchNorm::with_relu() const {
  kernels::BatchNormOptions options = options_;
  options.relu = true;
  return std::make_shared<BatchNorm>(options, batch_statistics_);
}

std::shared_ptr<const Op> make_batch_norm_normalise(const kernels::BatchNormOptions& options) {
  return std::make_shared<BatchNormNormalise>(options);
}

ValueId ops::batch_norm_training(Graph& graph, const std::string& name, ValueId x,
                                 const BatchNormParameters& parameters,
                                 const kernels::BatchNormOptions& options) {
  return graph.add_node(name, std::make_shared<BatchNorm>(options, true),
                        inputs_of(x, parameters))[0];
}

ValueId ops::batch_norm_inference(Graph& graph, const std::string& name, ValueId x,
                                  const BatchNormParameters& parameters,
                                  const kernels::BatchNormOptions& options) {
  return graph.add_node(name, std::make_shared<BatchNorm>(options, false),
                        inputs_of(x, parameters))[0];
}

}  // namespace accrete
