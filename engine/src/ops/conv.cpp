// SPDX-License-Identifier: Apache-2.0
// Convolutions and linear layers, which are convolutions of one pixel, with their gradients. Bias,
// norm, statistics and what is owed to a gradient are parts.
#include "accrete/kernels/conv.h"

#include "accrete/engine/autograd.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"
#include "ops/kernel_op.h"
#include "ops/norm.h"

namespace accrete {
namespace {

enum class Layer : std::uint8_t { conv, linear };

std::string prefix(Layer layer) {
  return layer == Layer::linear ? "linear" : "conv";
}

// Of the data if the node writes grad_x, of the weights if it writes grad_weight.
class ConvGradient final : public KernelOp<ConvGradient> {
 public:
  ConvGradient(Layer layer, const ConvProblem& problem) : layer_(layer), problem_(problem) {}
  std::string name(const Node& node) const override {
    const bool data = node.outputs.has(Slot::grad_x);
    const bool weights = node.outputs.has(Slot::grad_weight);
    return prefix(layer_) + (data && weights ? "_backward" : data ? "_dgrad" : "_wgrad");
  }
  OpTraits traits() const override {
    return {.takes_norm = layer_ == Layer::conv, .computes_side_by_side = true};
  }
  void infer(Tensors& tensors) const override {
    plan_gradient_of_x(tensors, problem_.x_shape());
    tensors.plan(Slot::grad_weight, problem_.weight_shape());
  }
  template <class Use>
  auto visit(const Tensors& tensors, const Use& use) const {
    if (!tensors[Slot::grad_weight]) {
      return use(kernels::ConvDgrad{.problem = problem_,
                                    .grad_y = gradient_of_y(tensors),
                                    .weight = tensors[Slot::weight],
                                    .x = tensors[Slot::x],
                                    .norm = norm_of_x(tensors),
                                    .grad_x = gradient_of_x(tensors)});
    }
    if (!tensors[Slot::grad_x]) {
      return use(kernels::ConvWgrad{.problem = problem_,
                                    .x = tensors[Slot::x],
                                    .norm = norm_of_x(tensors),
                                    .grad_y = gradient_of_y(tensors),
                                    .grad_weight = tensors[Slot::grad_weight],
                                    .mode = tensors.mode(Slot::grad_weight)});
    }
    return use(kernels::ConvBackward{.problem = problem_,
                                     .x = tensors[Slot::x],
                                     .norm = norm_of_x(tensors),
                                     .weight = tensors[Slot::weight],
                                     .grad_y = gradient_of_y(tensors),
                                     .grad_x = gradient_of_x(tensors),
                                     .grad_weight = tensors[Slot::grad_weight],
                                     .weight_mode = tensors.mode(Slot::grad_weight)});
  }

 private:
  Layer layer_;
  ConvProblem problem_;
};

class BiasGrad final : public KernelOp<BiasGrad> {
 public:
  std::string name(const Node& /*node*/) const override { return "bias_grad"; }
  void infer(Tensors& tensors) const override {
    tensors.plan(Slot::grad_bias, channel_vector(tensors[Slot::grad_y].shape.c));
  }
  kernels::BiasGrad call(const Tensors& tensors) const {
    return {tensors[Slot::grad_y], tensors[Slot::grad_bias], tensors.mode(Slot::grad_bias)};
  }
};

class Conv final : public KernelOp<Conv> {
 public:
  Conv(Layer layer, const ops::ConvAttributes& attributes)
      : layer_(layer), attributes_(attributes) {}

  std::string name(const Node& /*node*/) const override { return prefix(layer_) + "_forward"; }
  OpTraits traits() const override {
    const bool conv = layer_ == Layer::conv;
    return {.takes_norm = conv,
            .takes_statistics = conv,
            .keeps_pixels = conv && attributes_.stride_h == 1 && attributes_.stride_w == 1 &&
                            attributes_.pad_h == 0 && attributes_.pad_w == 0};
  }
  void infer(Tensors& tensors) const override {
    const Shape x = tensors[Slot::x].shape;
    const Shape weight = tensors[Slot::weight].shape;
    require(tensors, x.c == weight.c,
            "x has C=" + std::to_string(x.c) + ", weight has C=" + std::to_string(weight.c));
    require(tensors, layer_ == Layer::conv || (x.pixels() == x.n && weight.pixels() == weight.n),
            "expected x [N,1,1,C], weight [K,1,1,C]");
    const ConvProblem problem = problem_of(x, weight);
    kernels::check_conv_problem(problem);
    const TensorView bias = tensors[Slot::bias];
    const Shape vector = channel_vector(problem.K);
    require(tensors, !bias || bias.shape == vector,
            "bias is " + to_string(bias.shape) + ", expected " + to_string(vector));
    check_norm(tensors);
    plan_y(tensors, problem.y_shape());
  }
  kernels::ConvForward call(const Tensors& tensors) const {
    return {.problem = problem_of(tensors[Slot::x].shape, tensors[Slot::weight].shape),
            .x = tensors[Slot::x],
            .norm = norm_of_x(tensors),
            .weight = tensors[Slot::weight],
            .bias = tensors[Slot::bias],
            .y = tensors[Slot::y],
            .statistics = statistics_of_y(tensors)};
  }

  // The gradient of x comes last: it is the only one the rest of the chain waits for, and the
  // gradient of y can be released right after it.
  void backward(BackwardContext& context) const override {
    const ValueId weight = context[Slot::weight];
    const Operands grad_y = layer_ == Layer::conv
                                ? context.loaded_gradient()
                                : Operands{{Slot::grad_y, context.plain_gradient(Slot::y)}};
    const auto op = std::make_shared<ConvGradient>(
        layer_, problem_of(context.shape(Slot::x), context.shape(Slot::weight)));
    contribute_to_bias(context, grad_y);
    if (context.needs_gradient(weight)) {
      const Operands x =
          context.node().inputs.only({Slot::x, Slot::mean, Slot::inv_std, Slot::gamma, Slot::beta});
      context.contribute(weight, {.op = op, .inputs = x + grad_y, .outputs = {Slot::grad_weight}});
    }
    contribute_to_x(context, op, grad_y + Operands{{Slot::weight, weight}});
  }

 private:
  static void contribute_to_bias(BackwardContext& context, const Operands& grad_y) {
    const ValueId bias = context[Slot::bias];
    if (bias == kNoValue || !context.needs_gradient(bias)) {
      return;
    }
    if (grad_y.has(Slot::grad_y_a)) {
      context.contribute_zero(
          bias);  // a batch norm's gradient sums to zero over a channel's pixels
    } else {
      context.contribute(
          bias,
          {.op = std::make_shared<BiasGrad>(), .inputs = grad_y, .outputs = {Slot::grad_bias}});
    }
  }

  void require(const Tensors& tensors, bool fits, const std::string& message) const {
    if (!fits) {
      throw Error(ErrorCode::invalid_argument, "[" + name(tensors.node()) + "] " + message +
                                                   " (x " + to_string(tensors[Slot::x].shape) +
                                                   ", weight " +
                                                   to_string(tensors[Slot::weight].shape) + ")");
    }
  }

  ConvProblem problem_of(const Shape& x, const Shape& weight) const {
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

  Layer layer_;
  ops::ConvAttributes attributes_;
};

ValueId add_conv(Graph& graph, const std::string& name, std::shared_ptr<const Op> op, ValueId x,
                 ValueId weight, ValueId bias) {
  const ValueId rounded = graph.in_dtype(weight, graph.value(x).type.dtype);
  return graph.add_node({name,
                         std::move(op),
                         {{Slot::x, x}, {Slot::weight, rounded}, {Slot::bias, bias}},
                         {Slot::y}})[Slot::y];
}

}  // namespace

ValueId ops::conv2d(Graph& graph, const std::string& name, ValueId x, ValueId weight, ValueId bias,
                    const ConvAttributes& attributes) {
  const auto op = std::make_shared<Conv>(Layer::conv, attributes);
  return add_conv(graph, name, op, x, weight, bias);
}

ValueId ops::linear(Graph& graph, const std::string& name, ValueId x, ValueId weight,
                    ValueId bias) {
  const auto op = std::make_shared<Conv>(Layer::linear, ConvAttributes());
  return add_conv(graph, name, op, x, weight, bias);
}

}  // namespace accrete
