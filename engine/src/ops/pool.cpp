// SPDX-License-Identifier: Apache-2.0
// Max, average and global average pooling, with norms and statistics as parts.
#include "accrete/kernels/pool.h"

#include <type_traits>

#include "accrete/engine/autograd.h"
#include "accrete/engine/ops.h"
#include "ops/kernel_op.h"
#include "ops/norm.h"

namespace accrete {
namespace {

PoolProblem pool_problem(PoolKind kind, const ops::PoolAttributes& attributes, const Shape& x) {
  PoolProblem problem;
  problem.kind = kind;
  problem.N = x.n;
  problem.H = x.h;
  problem.W = x.w;
  problem.C = x.c;
  problem.R = problem.S = attributes.window;
  problem.stride_h = problem.stride_w = attributes.stride;
  problem.pad_h = problem.pad_w = attributes.pad;
  problem.count_padding = attributes.count_padding;
  return problem;
}

// `Call` is the backward call of any of the three; `problem` is one whose tensors are missing.
template <class Call>
class PoolBackward final : public KernelOp<PoolBackward<Call>> {
 public:
  PoolBackward(const Call& problem, const Shape& x) : problem_(problem), x_(x) {}
  std::string name(const Node& /*node*/) const override { return Call::kName; }
  OpTraits traits() const override { return {.takes_norm = true}; }
  void infer(Tensors& tensors) const override { plan_gradient_of_x(tensors, x_); }
  Call call(const Tensors& tensors) const {
    Call call = problem_;
    if constexpr (std::is_same_v<Call, kernels::MaxPoolBackward>) {
      call.grad_y = gradient_of_y(tensors);
      call.winner = tensors[Slot::winner];
    } else {
      call.grad_y = tensors[Slot::grad_y];
    }
    call.x = tensors[Slot::x];
    call.norm = norm_of_x(tensors);
    call.grad_x = gradient_of_x(tensors);
    return call;
  }

 private:
  Call problem_;
  Shape x_;
};

template <class Call>
void contribute_pool(BackwardContext& context, const Call& problem, Operands inputs) {
  contribute_to_x(context, std::make_shared<PoolBackward<Call>>(problem, context.shape(Slot::x)),
                  std::move(inputs));
}

class MaxPool final : public KernelOp<MaxPool> {
 public:
  explicit MaxPool(const ops::PoolAttributes& attributes) : attributes_(attributes) {}
  std::string name(const Node& /*node*/) const override { return "max_pool_forward"; }
  OpTraits traits() const override {
    return {.takes_norm = true, .takes_statistics = true, .statistics_need_norm = true};
  }
  void infer(Tensors& tensors) const override {
    const PoolProblem problem = problem_of(tensors[Slot::x].shape);
    kernels::check_pool_problem(problem);
    check_norm(tensors);
    plan_y(tensors, problem.y_shape());
    tensors.plan(Slot::winner, problem.y_shape(), DType::u8);
  }
  kernels::MaxPoolForward call(const Tensors& tensors) const {
    return {.problem = problem_of(tensors[Slot::x].shape),
            .x = tensors[Slot::x],
            .norm = norm_of_x(tensors),
            .y = tensors[Slot::y],
            .winner = tensors[Slot::winner],
            .statistics = statistics_of_y(tensors)};
  }
  void backward(BackwardContext& context) const override {
    kernels::MaxPoolBackward problem;
    problem.problem = problem_of(context.shape(Slot::x));
    const bool norm = context.node().inputs.has(Slot::mean);
    const Operands grad_y = norm ? context.loaded_gradient()
                                 : Operands{{Slot::grad_y, context.plain_gradient(Slot::y)}};
    contribute_pool(context, problem, grad_y + Operands{{Slot::winner, context[Slot::winner]}});
  }

 private:
  PoolProblem problem_of(const Shape& x) const {
    return pool_problem(PoolKind::max, attributes_, x);
  }

  ops::PoolAttributes attributes_;
};

class AveragePool final : public KernelOp<AveragePool> {
 public:
  explicit AveragePool(const ops::PoolAttributes& attributes) : attributes_(attributes) {}
  std::string name(const Node& /*node*/) const override { return "average_pool_forward"; }
  OpTraits traits() const override {
    return {.takes_norm = true, .averages = true, .pads = attributes_.pad > 0};
  }
  void infer(Tensors& tensors) const override {
    const PoolProblem problem = problem_of(tensors[Slot::x].shape);
    kernels::check_pool_problem(problem);
    check_norm(tensors);
    plan_y(tensors, problem.y_shape());
  }
  kernels::AveragePoolForward call(const Tensors& tensors) const {
    return {problem_of(tensors[Slot::x].shape), tensors[Slot::x], norm_of_x(tensors),
            tensors[Slot::y]};
  }
  void backward(BackwardContext& context) const override {
    kernels::AveragePoolBackward problem;
    problem.problem = problem_of(context.shape(Slot::x));
    contribute_pool(context, problem, {{Slot::grad_y, context.plain_gradient(Slot::y)}});
  }

 private:
  PoolProblem problem_of(const Shape& x) const {
    return pool_problem(PoolKind::average, attributes_, x);
  }

  ops::PoolAttributes attributes_;
};

class GlobalAveragePool final : public KernelOp<GlobalAveragePool> {
 public:
  std::string name(const Node& /*node*/) const override { return "global_average_pool_forward"; }
  OpTraits traits() const override { return {.takes_norm = true}; }
  void infer(Tensors& tensors) const override {
    const Shape x = tensors[Slot::x].shape;
    check_norm(tensors);
    plan_y(tensors, {x.n, 1, 1, x.c});
  }
  kernels::GlobalAveragePoolForward call(const Tensors& tensors) const {
    return {tensors[Slot::x], norm_of_x(tensors), tensors[Slot::y]};
  }
  void backward(BackwardContext& context) const override {
    contribute_pool(context, kernels::GlobalAveragePoolBackward(),
                    {{Slot::grad_y, context.plain_gradient(Slot::y)}});
  }
};

}  // namespace

ValueId ops::max_pool(Graph& graph, const std::string& name, ValueId x,
                      const PoolAttributes& attributes) {
  return graph.add_node({name,
                         std::make_shared<MaxPool>(attributes),
                         {{Slot::x, x}},
                         {Slot::y, Slot::winner}})[Slot::y];
}

ValueId ops::average_pool(Graph& graph, const std::string& name, ValueId x,
                          const PoolAttributes& attributes) {
  return graph.add_node(
      {name, std::make_shared<AveragePool>(attributes), {{Slot::x, x}}, {Slot::y}})[Slot::y];
}

ValueId ops::global_average_pool(Graph& graph, const std::string& name, ValueId x) {
  return graph.add_node(
      {name, std::make_shared<GlobalAveragePool>(), {{Slot::x, x}}, {Slot::y}})[Slot::y];
}

}  // namespace accrete
