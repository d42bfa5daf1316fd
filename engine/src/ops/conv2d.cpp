// SPDX-License-Identifier: Apache-2.0
// 2-D convolution and its three gradients.
#include "accrete/kernels/conv.h"

#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"
#include "ops/bias_grad.h"
#include "ops/gradient_op.h"

namespace accrete {
namespace {

void check_channels(const std::string& op, const Shape& x, const Shape& weight) {
  if (x.c != weight.c) {
    throw Error(ErrorCode::invalid_argument, "[" + op + "] x has C=" + std::to_string(x.c) +
                                                 ", weight has C=" + std::to_string(weight.c) +
                                                 " (x " + to_string(x) + ", weight " +
                                                 to_string(weight) + ")");
  }
}

enum class Side { data, weight };

// Side::data: inputs grad_y, weight. Side::weight: inputs x, grad_y.
template <Side side>
class ConvGrad final : public GradientOp {
 public:
  ConvGrad(const ConvProblem& problem, GradMode mode) : GradientOp(mode, 2), problem_(problem) {}
  std::string name() const override { return side == Side::data ? "conv_dgrad" : "conv_wgrad"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {side == Side::data ? TensorType{problem_.x_shape(), in[0].dtype}
                               : TensorType{problem_.weight_shape(), DType::f32}};
  }
  std::size_t workspace_bytes(const std::vector<TensorType>& in, Device device) const override {
    const auto bytes = side == Side::data ? kernels::conv_dgrad_workspace_bytes
                                          : kernels::conv_wgrad_workspace_bytes;
    return bytes(problem_, device, in[0].dtype);
  }
  void contribute(const RunContext& context, const OpCall& call) const override {
    const auto kernel = side == Side::data ? kernels::conv_dgrad : kernels::conv_wgrad;
    kernel(context.stream, problem_, call.inputs[0], call.inputs[1], call.outputs[0], mode(),
           call.workspace);
  }
  std::int64_t macs(const std::vector<TensorType>& /*in*/) const override {
    return problem_.macs();
  }

 private:
  ConvProblem problem_;
};

// Inputs: x, weight and, if has_bias, bias.
class ConvForward final : public Op {
 public:
  ConvForward(const ops::ConvAttributes& attributes, bool has_bias)
      : attributes_(attributes), has_bias_(has_bias) {}

  std::string name() const override { return "conv_forward"; }

  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    check_channels(name(), in[0].shape, in[1].shape);
    const ConvProblem problem = problem_for(in);
    kernels::check_conv_problem(problem);
    if (has_bias_ && in[2].shape != channel_vector(problem.K)) {
      throw Error(ErrorCode::invalid_argument, "[conv_forward] bias is " + to_string(in[2].shape) +
                                                   ", expected " +
                                                   to_string(channel_vector(problem.K)));
    }
    return {{problem.y_shape(), in[0].dtype}};
  }

  std::size_t workspace_bytes(const std::vector<TensorType>& in, Device device) const override {
    return kernels::conv_forward_workspace_bytes(problem_for(in), device, in[0].dtype);
  }

  void run(const RunContext& context, const OpCall& call) const override {
    const ConstTensorView bias = has_bias_ ? ConstTensorView(call.inputs[2]) : ConstTensorView();
    const ConvProblem problem = problem_for(call.inputs[0].shape, call.inputs[1].shape);
    kernels::conv_forward(context.stream, problem, call.inputs[0], call.inputs[1], bias,
                          call.outputs[0], call.workspace);
  }

  // The gradient of x comes last: it is the only one the rest of the chain waits for, and the
  // gradient of y can be released right after it.
  void backward(BackwardContext& context) const override {
    const ConvProblem problem =
        problem_for(context.input_type(0).shape, context.input_type(1).shape);
    const ValueId grad_y = context.output_gradient(0);
    if (has_bias_ && context.needs_gradient(2)) {
      context.contribute(2, make_bias_grad(context.mode(2)), {grad_y});
    }
    if (context.needs_gradient(1)) {
      context.contribute(1, std::make_shared<ConvGrad<Side::weight>>(problem, context.mode(1)),
                         {context.input(0), grad_y});
    }
    if (context.needs_gradient(0)) {
      context.contribute(0, std::make_shared<ConvGrad<Side::data>>(problem, context.mode(0)),
                         {grad_y, context.input(1)});
    }
  }

  std::int64_t macs(const std::vector<TensorType>& in) const override {
    return problem_for(in).macs();
  }

 private:
  ConvProblem problem_for(const Shape& x, const Shape& weight) const {
    ConvProblem problem;
    problem.N = x.n;
    problem.H = x.h;
    problem.W = x.w;
    problem.C = x.c;
    problem.K = weight.n;
    problem.R = weight.h;
    problem.S = weight.w;
    problem.stride_h = attributes_.stride_h;
    problem.stride_w = attributes_.stride_w;
    problem.pad_h = attributes_.pad_h;
    problem.pad_w = attributes_.pad_w;
    return problem;
  }
  ConvProblem problem_for(const std::vector<TensorType>& in) const {
    return problem_for(in[0].shape, in[1].shape);
  }

  ops::ConvAttributes attributes_;
  bool has_bias_;
};

}  // namespace

ValueId ops::conv2d(Graph& graph, const std::string& name, ValueId x, ValueId weight, ValueId bias,
                    const ConvAttributes& attributes) {
  std::vector<ValueId> inputs = {x, graph.in_dtype(weight, graph.value(x).type.dtype)};
  if (bias != kNoValue) {
    inputs.push_back(bias);
  }
  return graph.add_node(name, std::make_shared<ConvForward>(attributes, bias != kNoValue),
                        inputs)[0];
}

}  // namespace accrete
