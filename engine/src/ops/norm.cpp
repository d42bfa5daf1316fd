// SPDX-License-Identifier: Apache-2.0
#include "ops/norm.h"

#include <initializer_list>

#include "accrete/kernels/error.h"
#include "ops/kernel_op.h"

namespace accrete {
namespace {

void plan_vectors(Tensors& tensors, std::int64_t channels, std::initializer_list<Slot> slots) {
  for (const Slot slot : slots) {
    tensors.plan(slot, channel_vector(channels));
  }
}

class NormReluBackward final : public KernelOp<NormReluBackward> {
 public:
  std::string name(const Node& /*node*/) const override { return "norm_relu_backward"; }
  void infer(Tensors& tensors) const override {
    plan_gradient_of_x(tensors, tensors[Slot::x].shape);
  }
  kernels::NormReluBackward call(const Tensors& tensors) const {
    return {tensors[Slot::grad_y], tensors[Slot::x], norm_of_x(tensors), gradient_of_x(tensors)};
  }

 protected:
  std::vector<InPlace> in_place() const override { return {{Slot::grad_x, Slot::grad_y}}; }
};

class NormRelu final : public KernelOp<NormRelu> {
 public:
  std::string name(const Node& /*node*/) const override { return "norm_relu"; }
  OpTraits traits() const override { return {.is_norm_relu = true}; }
  void infer(Tensors& tensors) const override {
    check_norm(tensors);
    plan_y(tensors, tensors[Slot::x].shape);
  }
  kernels::NormReluForward call(const Tensors& tensors) const {
    return {tensors[Slot::x], norm_of_x(tensors), tensors[Slot::y]};
  }
  void backward(BackwardContext& context) const override {
    contribute_to_x(context, std::make_shared<NormReluBackward>(),
                    {{Slot::grad_y, context.plain_gradient(Slot::y)}});
  }

 protected:
  std::vector<InPlace> in_place() const override { return {{Slot::y, Slot::x}}; }
};

class Statistics final : public KernelOp<Statistics> {
 public:
  std::string name(const Node& /*node*/) const override { return "channel_statistics"; }
  void infer(Tensors& tensors) const override {
    plan_vectors(tensors, tensors[Slot::x].shape.c, {Slot::mean, Slot::variance, Slot::inv_std});
  }
  kernels::ChannelStatistics call(const Tensors& tensors) const {
    return {tensors[Slot::x],
            {tensors[Slot::mean], tensors[Slot::variance], tensors[Slot::inv_std],
             tensors.node().epsilon}};
  }
};

class InverseDeviation final : public KernelOp<InverseDeviation> {
 public:
  std::string name(const Node& /*node*/) const override { return "inverse_deviation"; }
  void infer(Tensors& tensors) const override {
    tensors.plan(Slot::inv_std, tensors[Slot::variance].shape);
  }
  kernels::InverseDeviation call(const Tensors& tensors) const {
    return {tensors[Slot::variance], tensors.node().epsilon, tensors[Slot::inv_std]};
  }
};

class ApplyDeferredGradient final : public KernelOp<ApplyDeferredGradient> {
 public:
  std::string name(const Node& /*node*/) const override { return "apply_deferred_gradient"; }
  void infer(Tensors& tensors) const override {
    const TensorView g = tensors[Slot::grad_y];
    tensors.plan(Slot::grad_x, g.shape, g.dtype);
  }
  kernels::ApplyDeferredGradient call(const Tensors& tensors) const {
    return {gradient_of_y(tensors), tensors[Slot::grad_x]};
  }

 protected:
  std::vector<InPlace> in_place() const override { return {{Slot::grad_x, Slot::grad_y}}; }
};

class UpdateRunningStatistics final : public Op {
 public:
  explicit UpdateRunningStatistics(std::vector<kernels::RunningStatistics> updates)
      : updates_(std::move(updates)) {}
  std::string name(const Node& /*node*/) const override { return "update_running_statistics"; }
  void infer(Tensors& /*tensors*/) const override {}
  BoundCall bind(const Tensors& tensors) const override {
    std::vector<kernels::RunningStatistics> bound = updates_;
    std::size_t index = 0;
    for (kernels::RunningStatistics& update : bound) {
      update.mean = tensors.view(index++).f32();
      update.variance = tensors.view(index++).f32();
      update.running_mean = tensors.view(index++).f32();
      update.running_var = tensors.view(index++).f32();
    }
    return [bound](const RunContext& context, const Workspace& workspace) {
      const kernels::UpdateRunningStatistics call{bound.data(),
                                                  static_cast<std::int64_t>(bound.size())};
      return kernels::run(context.stream, call, workspace);
    };
  }

 private:
  std::vector<kernels::RunningStatistics> updates_;
};

}  // namespace

// Reports put the parts around the op.
std::string Node::op_name() const {
  std::string text = op->name(*this);
  if (!op->traits().takes_norm) {
    return text;
  }
  if (inputs.has(Slot::mean)) {
    text = inputs.has(Slot::grad_y) ? text + "+norm_relu" : "norm_relu+" + text;
  }
  return (inputs.has(Slot::grad_y_a) ? "deferred+" : "") + text +
         (outputs.has(Slot::y_mean) ? "+statistics" : "");
}

kernels::NormRelu norm_of_x(const Tensors& tensors) {
  return {.mean = tensors[Slot::mean],
          .inv_std = tensors[Slot::inv_std],
          .gamma = tensors[Slot::gamma],
          .beta = tensors[Slot::beta]};
}

kernels::StatisticsOutput statistics_of_y(const Tensors& tensors) {
  return {.mean = tensors[Slot::y_mean],
          .variance = tensors[Slot::y_variance],
          .inv_std = tensors[Slot::y_inv_std],
          .epsilon = tensors.node().epsilon};
}

kernels::DeferredGradient gradient_of_y(const Tensors& tensors) {
  return {.g = tensors[Slot::grad_y],
          .y = tensors[Slot::y],
          .mean = tensors[Slot::y_mean],
          .inv_std = tensors[Slot::y_inv_std],
          .a = tensors[Slot::grad_y_a],
          .b = tensors[Slot::grad_y_b]};
}

kernels::NormReluGradient gradient_of_x(const Tensors& tensors) {
  return {.g = tensors[Slot::grad_x],
          .a = tensors[Slot::grad_x_a],
          .b = tensors[Slot::grad_x_b],
          .grad_gamma = tensors[Slot::grad_gamma],
          .grad_beta = tensors[Slot::grad_beta],
          .mode = tensors.mode(Slot::grad_x)};
}

void check_norm(const Tensors& tensors) {
  const Shape x = tensors[Slot::x].shape;
  const Shape needed = channel_vector(x.c);
  for (const Slot slot : {Slot::mean, Slot::inv_std, Slot::gamma, Slot::beta}) {
    const TensorView vector = tensors[slot];
    if (tensors.node().inputs.has(slot) && vector.shape != needed) {
      throw Error(ErrorCode::invalid_argument, "[" + tensors.node().op_name() +
                                                   "] a vector of the norm is " +
                                                   to_string(vector.shape) + ", x " + to_string(x) +
                                                   " needs " + to_string(needed));
    }
  }
}

void plan_y(Tensors& tensors, const Shape& y) {
  tensors.plan(Slot::y, y, tensors[Slot::x].dtype);
  plan_vectors(tensors, y.c, {Slot::y_mean, Slot::y_variance, Slot::y_inv_std});
}

void plan_gradient_of_x(Tensors& tensors, const Shape& x) {
  tensors.plan(Slot::grad_x, x, tensors[Slot::grad_y].dtype);
  plan_vectors(tensors, x.c, {Slot::grad_x_a, Slot::grad_x_b, Slot::grad_gamma, Slot::grad_beta});
}

void contribute_to_x(BackwardContext& context, std::shared_ptr<const Op> op, Operands inputs) {
  const Operands& read = context.node().inputs;
  const ValueId x = read[Slot::x];
  Node node;
  node.op = std::move(op);
  node.inputs = std::move(inputs);
  if (!read.has(Slot::mean)) {
    node.outputs = {Slot::grad_x};
    if (context.needs_gradient(x)) {
      context.contribute(x, std::move(node));
    }
    return;
  }
  node.inputs =
      node.inputs + read.only({Slot::x, Slot::mean, Slot::inv_std, Slot::gamma, Slot::beta});
  const bool constant = context.graph().value(read[Slot::mean]).kind == ValueKind::state;
  node.outputs = constant ? Operands{Slot::grad_x, Slot::grad_gamma, Slot::grad_beta}
                          : Operands{Slot::grad_x, Slot::grad_x_a, Slot::grad_x_b, Slot::grad_gamma,
                                     Slot::grad_beta};
  const Operands written = context.contribute(x, std::move(node));
  context.contribute_value(read[Slot::gamma], {written[Slot::grad_gamma]});
  context.contribute_value(read[Slot::beta], {written[Slot::grad_beta]});
}

ValueId add_norm_relu(Graph& graph, const std::string& name, const Operands& inputs) {
  return graph.add_node({name, std::make_shared<NormRelu>(), inputs, {Slot::y}})[Slot::y];
}

Operands add_statistics(Graph& graph, const std::string& name, ValueId x, float epsilon) {
  return graph.add_node({.name = name,
                         .op = std::make_shared<Statistics>(),
                         .inputs = {{Slot::x, x}},
                         .outputs = {Slot::mean, Slot::variance, Slot::inv_std},
                         .epsilon = epsilon});
}

Node inverse_deviation(const std::string& name, ValueId variance, float epsilon) {
  return {.name = name,
          .op = std::make_shared<InverseDeviation>(),
          .inputs = {{Slot::variance, variance}},
          .outputs = {Slot::inv_std},
          .epsilon = epsilon};
}

ValueId add_applied_gradient(Graph& graph, ValueId y, const Gradient& gradient) {
  return graph.add_node({graph.value(y).name + ".grad",
                         std::make_shared<ApplyDeferredGradient>(),
                         gradient.operands(y),
                         {Slot::grad_x}})[Slot::grad_x];
}

void add_running_statistics(Graph& graph, const std::string& name, const Operands& inputs,
                            const std::vector<kernels::RunningStatistics>& updates) {
  graph.add_node({name, std::make_shared<UpdateRunningStatistics>(updates), inputs, {}});
}

}  // namespace accrete
