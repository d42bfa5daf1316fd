// SPDX-License-Identifier: Apache-2.0
// Ops that work element by element: ReLU, sum, dropout, zeros.
#include "accrete/kernels/elementwise.h"

#include "accrete/engine/autograd.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"
#include "ops/kernel_op.h"

namespace accrete {
namespace {

void plan_like(Tensors& tensors, Slot output, Slot input) {
  tensors.plan(output, tensors[input].shape, tensors[input].dtype);
}

class ReluBackward final : public KernelOp<ReluBackward> {
 public:
  std::string name(const Node& /*node*/) const override { return "relu_backward"; }
  void infer(Tensors& tensors) const override { plan_like(tensors, Slot::grad_x, Slot::grad_y); }
  kernels::ReluBackward call(const Tensors& tensors) const {
    return {tensors[Slot::grad_y], tensors[Slot::y], tensors[Slot::grad_x],
            tensors.mode(Slot::grad_x)};
  }

 protected:
  std::vector<InPlace> in_place() const override { return {{Slot::grad_x, Slot::grad_y}}; }
};

class Relu final : public KernelOp<Relu> {
 public:
  std::string name(const Node& /*node*/) const override { return "relu_forward"; }
  OpTraits traits() const override { return {.is_relu = true}; }
  void infer(Tensors& tensors) const override { plan_like(tensors, Slot::y, Slot::x); }
  kernels::ReluForward call(const Tensors& tensors) const {
    return {tensors[Slot::x], tensors[Slot::y]};
  }
  void backward(BackwardContext& context) const override {
    context.contribute(
        context[Slot::x],
        {.op = std::make_shared<ReluBackward>(),
         .inputs = {{Slot::grad_y, context.plain_gradient(Slot::y)}, {Slot::y, context[Slot::y]}},
         .outputs = {Slot::grad_x}});
  }

 protected:
  std::vector<InPlace> in_place() const override { return {{Slot::y, Slot::x}}; }
};

class Add final : public KernelOp<Add> {
 public:
  std::string name(const Node& /*node*/) const override { return "add"; }
  void infer(Tensors& tensors) const override {
    const Shape a = tensors[Slot::x].shape;
    const Shape b = tensors[Slot::other].shape;
    if (a != b) {
      throw Error(ErrorCode::invalid_argument, "[add] a is " + to_string(a) + ", b is " +
                                                   to_string(b) + "; shapes must be equal");
    }
    plan_like(tensors, Slot::y, Slot::x);
  }
  kernels::Add call(const Tensors& tensors) const {
    return {tensors[Slot::x], tensors[Slot::other], tensors[Slot::y]};
  }
  // The gradient of a sum is the gradient of each term: no node, only a name for it.
  void backward(BackwardContext& context) const override {
    for (const auto& [slot, term] : context.node().inputs) {
      if (context.needs_gradient(term)) {
        context.contribute_value(term, {context.plain_gradient(Slot::y)});
      }
    }
  }

 protected:
  std::vector<InPlace> in_place() const override {
    return {{Slot::y, Slot::x}, {Slot::y, Slot::other}};
  }
};

// Of x, and backwards of its gradient. The mask is a function of (seed, layer, step, element) and
// is never stored.
class Dropout final : public KernelOp<Dropout> {
 public:
  Dropout(float rate, std::uint64_t layer) : rate_(rate), layer_(layer) {}
  std::string name(const Node& node) const override {
    return backwards(node) ? "dropout_backward" : "dropout_forward";
  }
  void infer(Tensors& tensors) const override {
    plan_like(tensors, Slot::y, Slot::x);
    plan_like(tensors, Slot::grad_x, Slot::grad_y);
  }
  kernels::Dropout call(const Tensors& tensors) const {
    const bool back = backwards(tensors.node());
    return {.rate = rate_,
            .key = {},
            .x = tensors[back ? Slot::grad_y : Slot::x],
            .y = tensors[back ? Slot::grad_x : Slot::y],
            .mode = tensors.mode(Slot::grad_x)};
  }
  BoundCall bind(const Tensors& tensors) const override {
    return [dropout = call(tensors), layer = layer_](const RunContext& context,
                                                     const Workspace& workspace) {
      kernels::Dropout keyed = dropout;
      keyed.key = {context.seed, mix_stream(mix_stream(0xd209, layer), context.step)};
      return kernels::run(context.stream, keyed, workspace);
    };
  }
  bool varies_by_step() const override { return true; }
  void backward(BackwardContext& context) const override {
    context.contribute(context[Slot::x],
                       {.op = context.node().op,
                        .inputs = {{Slot::grad_y, context.plain_gradient(Slot::y)}},
                        .outputs = {Slot::grad_x}});
  }

 protected:
  std::vector<InPlace> in_place() const override {
    return {{Slot::y, Slot::x}, {Slot::grad_x, Slot::grad_y}};
  }

 private:
  static bool backwards(const Node& node) { return node.outputs.has(Slot::grad_x); }

  float rate_;
  std::uint64_t layer_;
};

class Zeros final : public KernelOp<Zeros> {
 public:
  explicit Zeros(const Shape& shape) : shape_(shape) {}
  std::string name(const Node& /*node*/) const override { return "zero_gradient"; }
  void infer(Tensors& tensors) const override { tensors.plan(Slot::zeros, shape_); }
  kernels::Fill call(const Tensors& tensors) const { return {tensors[Slot::zeros], 0.0F}; }

 private:
  Shape shape_;
};

}  // namespace

ValueId ops::relu(Graph& graph, const std::string& name, ValueId x) {
  return graph.add_node({name, std::make_shared<Relu>(), {{Slot::x, x}}, {Slot::y}})[Slot::y];
}

ValueId ops::add(Graph& graph, const std::string& name, ValueId a, ValueId b) {
  return graph.add_node(
      {name, std::make_shared<Add>(), {{Slot::x, a}, {Slot::other, b}}, {Slot::y}})[Slot::y];
}

ValueId ops::dropout(Graph& graph, const std::string& name, ValueId x, float rate,
                     std::uint64_t layer) {
  if (!(rate >= 0.0F && rate < 1.0F)) {
    throw Error(ErrorCode::invalid_argument,
                "[dropout] rate " + std::to_string(rate) + " of " + name + " is not in [0, 1)");
  }
  return graph.add_node(
      {name, std::make_shared<Dropout>(rate, layer), {{Slot::x, x}}, {Slot::y}})[Slot::y];
}

ValueId ops::zeros(Graph& graph, const std::string& name, const Shape& shape) {
  return graph.add_node({name, std::make_shared<Zeros>(shape), {}, {Slot::zeros}})[Slot::zeros];
}

}  // namespace accrete
