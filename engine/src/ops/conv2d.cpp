// SPDX-License-Identifier: Apache-2.0
// 2-D convolution forward and its backward rule.
#include "accrete/kernels/conv.h"

#include "accrete/kernels/error.h"
#include "accrete/kernels/kernels.h"
#include "call_functions.h"
#include "ops/bias_grad.h"
#include "ops/channel_statistics.h"
#include "ops/conv.h"
#include "ops/norm_relu.h"

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

std::vector<ValueId> norm_inputs(const BackwardContext& context, const ConvParts& parts) {
  std::vector<ValueId> inputs;
  for (std::size_t i = 0; parts.norm && i < kNormInputs; ++i) {
    inputs.push_back(context.input(static_cast<int>(parts.norm_input() + i)));
  }
  return inputs;
}

void append(std::vector<ValueId>& to, const std::vector<ValueId>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

std::string Conv::name() const {
  return std::string(parts_.norm ? "norm_relu+" : "") + "conv_forward" +
         (parts_.statistics ? "+statistics" : "");
}

std::vector<TensorType> Conv::infer(const std::vector<TensorType>& in) const {
  check_channels("conv_forward", in[0].shape, in[1].shape);
  const ConvProblem problem = problem_for(in[0].shape, in[1].shape);
  kernels::check_conv_problem(problem);
  if (parts_.bias && in[2].shape != channel_vector(problem.K)) {
    throw Error(ErrorCode::invalid_argument, "[conv_forward] bias is " + to_string(in[2].shape) +
                                                 ", expected " +
                                                 to_string(channel_vector(problem.K)));
  }
  if (parts_.norm) {
    check_norm_inputs("conv_forward", in, parts_.norm_input());
  }
  std::vector<TensorType> out = {{problem.y_shape(), in[0].dtype}};
  if (parts_.statistics) {
    const auto vectors = statistics_types(problem.K);
    out.insert(out.end(), vectors.begin(), vectors.end());
  }
  return out;
}

std::size_t Conv::workspace_bytes(const std::vector<TensorType>& in, Device device) const {
  const auto bytes = parts_.norm || parts_.statistics ? kernels::fused_conv_forward_workspace_bytes
                                                      : kernels::conv_forward_workspace_bytes;
  return bytes(problem_for(in[0].shape, in[1].shape), device, in[0].dtype);
}

void Conv::run(const RunContext& context, const OpCall& call) const {
  const TensorView* in = call.inputs;
  const ConstTensorView bias = parts_.bias ? ConstTensorView(in[2]) : ConstTensorView();
  const ConvProblem problem = problem_for(in[0].shape, in[1].shape);
  if (!parts_.norm && !parts_.statistics) {
    kernels::conv_forward(context.stream, problem, in[0], in[1], bias, call.outputs[0],
                          call.workspace);
    return;
  }
  const kernels::NormRelu norm =
      parts_.norm ? norm_argument(in + parts_.norm_input()) : kernels::NormRelu();
  const kernels::StatisticsOutput statistics =
      parts_.statistics ? statistics_output(call.outputs + 1, parts_.epsilon)
                        : kernels::StatisticsOutput();
  kernels::fused_conv_forward(context.stream, problem, in[0], norm, in[1], bias, call.outputs[0],
                              statistics, call.workspace);
}

// The gradient of x comes last: it is the only one the rest of the chain waits for, and the
// gradient of y can be released right after it.
void Conv::backward(BackwardContext& context) const {
  const ConvProblem problem = problem_for(context.input_type(0).shape, context.input_type(1).shape);
  const LoadedGradient grad_y = context.loaded_gradient(0);
  const std::vector<ValueId> norm = norm_inputs(context, parts_);
  if (parts_.bias && context.needs_gradient(2)) {
    // Batch norm's gradient sums to zero over the pixels of a channel.
    if (grad_y.deferred) {
      context.contribute_zero(2);
    } else {
      context.contribute(2, make_bias_grad(context.mode(2)), grad_y.values);
    }
  }
  if (context.needs_gradient(1)) {
    std::vector<ValueId> inputs = {context.input(0)};
    append(inputs, norm);
    append(inputs, grad_y.values);
    context.contribute(1, make_conv_wgrad(problem, grad_y.deferred, parts_.norm, context.mode(1)),
                       inputs);
  }
  if (!parts_.norm && !context.needs_gradient(0)) {
    return;
  }
  std::vector<ValueId> inputs = grad_y.values;
  inputs.push_back(context.input(1));
  if (!parts_.norm) {
    context.contribute(0, make_conv_dgrad(problem, grad_y.deferred, context.mode(0)), inputs);
    return;
  }
  inputs.push_back(context.input(0));
  append(inputs, norm);
  const NormGradientKind kind = norm_gradient_kind(context, parts_.norm_input());
  contribute_norm_relu(context, parts_.norm_input(),
                       make_conv_norm_dgrad(problem, grad_y.deferred, kind), inputs);
}

std::int64_t Conv::macs(const std::vector<TensorType>& in) const {
  return problem_for(in[0].shape, in[1].shape).macs();
}

std::shared_ptr<const Op> Conv::with_norm_on_load() const {
  if (parts_.norm) {
    return nullptr;
  }
  ConvParts parts = parts_;
  parts.norm = true;
  return std::make_shared<Conv>(attributes_, parts);
}

std::shared_ptr<const Op> Conv::with_statistics(float epsilon) const {
  if (parts_.statistics) {
    return nullptr;
  }
  ConvParts parts = parts_;
  parts.statistics = true;
  parts.epsilon = epsilon;
  return std::make_shared<Conv>(attributes_, parts);
}

std::shared_ptr<const Op> Conv::without_statistics() const {
  if (!parts_.statistics) {
    return nullptr;
  }
  ConvParts parts = parts_;
  parts.statistics = false;
  return std::make_shared<Conv>(attributes_, parts);
}

bool Conv::is_pointwise(const Shape& weight) const {
  return weight.h == 1 && weight.w == 1 && attributes_.stride_h == 1 && attributes_.stride_w == 1 &&
         attributes_.pad_h == 0 && attributes_.pad_w == 0 && !parts_.norm && !parts_.statistics;
}

ConvProblem Conv::problem_for(const Shape& x, const Shape& weight) const {
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

ValueId ops::conv2d(Graph& graph, const std::string& name, ValueId x, ValueId weight, ValueId bias,
                    const ConvAttributes& attributes) {
  std::vector<ValueId> inputs = {x, graph.in_dtype(weight, graph.value(x).type.dtype)};
  if (bias != kNoValue) {
    inputs.push_back(bias);
  }
  ConvParts parts;
  parts.bias = bias != kNoValue;
  return graph.add_node(name, std::make_shared<Conv>(attributes, parts), inputs)[0];
}

}  // namespace accrete
