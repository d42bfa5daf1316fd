// SPDX-License-Identifier: Apache-2.0
// Average pooling over windows, and over the whole image.
#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/pool.h"
#include "ops/gradient_op.h"
#include "ops/pool_problem.h"

namespace accrete {
namespace {

// Inputs grad_y and, with accumulate, the gradient so far.
class AveragePoolBackward final : public GradientOp {
 public:
  AveragePoolBackward(const PoolProblem& problem, GradMode mode)
      : GradientOp(mode, 1), problem_(problem) {}
  std::string name() const override { return "average_pool_backward"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {{problem_.x_shape(), in[0].dtype}};
  }
  void contribute(const RunContext& context, const OpCall& call) const override {
    kernels::average_pool_backward(context.stream, problem_, call.inputs[0], call.outputs[0],
                                   mode());
  }

 private:
  PoolProblem problem_;
};

class AveragePool final : public Op {
 public:
  explicit AveragePool(const ops::PoolAttributes& attributes) : attributes_(attributes) {}
  std::string name() const override { return "average_pool_forward"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    const PoolProblem problem = pool_problem(PoolKind::average, attributes_, in[0].shape);
    kernels::check_pool_problem(problem);
    return {{problem.y_shape(), in[0].dtype}};
  }
  void run(const RunContext& context, const OpCall& call) const override {
    const PoolProblem problem = pool_problem(PoolKind::average, attributes_, call.inputs[0].shape);
    kernels::average_pool_forward(context.stream, problem, call.inputs[0], call.outputs[0]);
  }
  void backward(BackwardContext& context) const override {
    const PoolProblem problem =
        pool_problem(PoolKind::average, attributes_, context.input_type(0).shape);
    context.contribute(0, std::make_shared<AveragePoolBackward>(problem, context.mode(0)),
                       {context.output_gradient(0)});
  }

 private:
  ops::PoolAttributes attributes_;
};

// Inputs grad_y [N,1,1,C] and, with accumulate, the gradient so far.
class GlobalAveragePoolBackward final : public GradientOp {
 public:
  GlobalAveragePoolBackward(const Shape& x, GradMode mode) : GradientOp(mode, 1), x_(x) {}
  std::string name() const override { return "global_average_pool_backward"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {{x_, in[0].dtype}};
  }
  void contribute(const RunContext& context, const OpCall& call) const override {
    kernels::global_average_pool_backward(context.stream, call.inputs[0], call.outputs[0], mode());
  }

 private:
  Shape x_;
};

class GlobalAveragePool final : public Op {
 public:
  std::string name() const override { return "global_average_pool_forward"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {{Shape{in[0].shape.n, 1, 1, in[0].shape.c}, in[0].dtype}};
  }
  void run(const RunContext& context, const OpCall& call) const override {
    kernels::global_average_pool_forward(context.stream, call.inputs[0], call.outputs[0]);
  }
  void backward(BackwardContext& context) const override {
    const Shape& x = context.input_type(0).shape;
    context.contribute(0, std::make_shared<GlobalAveragePoolBackward>(x, context.mode(0)),
                       {context.output_gradient(0)});
  }
};

}  // namespace

ValueId ops::average_pool(Graph& graph, const std::string& name, ValueId x,
                          const PoolAttributes& attributes) {
  return graph.add_node(name, std::make_shared<AveragePool>(attributes), {x})[0];
}

ValueId ops::global_average_pool(Graph& graph, const std::string& name, ValueId x) {
  return graph.add_node(name, std::make_shared<GlobalAveragePool>(), {x})[0];
}

}  // namespace accrete
