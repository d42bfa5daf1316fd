// SPDX-License-Identifier: Apache-2.0
// Max pooling: keeps the winner of each window for the backward pass.
#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/pool.h"
#include "ops/gradient_op.h"
#include "ops/pool_problem.h"

namespace accrete {
namespace {

// Inputs grad_y, winner and, with accumulate, the gradient so far.
class MaxPoolBackward final : public GradientOp {
 public:
  MaxPoolBackward(const PoolProblem& problem, GradMode mode)
      : GradientOp(mode, 2), problem_(problem) {}
  std::string name() const override { return "max_pool_backward"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {{problem_.x_shape(), in[0].dtype}};
  }
  void contribute(const RunContext& context, const OpCall& call) const override {
    kernels::max_pool_backward(context.stream, problem_, call.inputs[0], call.inputs[1],
                               call.outputs[0], mode());
  }

 private:
  PoolProblem problem_;
};

// Outputs y and winner.
class MaxPool final : public Op {
 public:
  explicit MaxPool(const ops::PoolAttributes& attributes) : attributes_(attributes) {}
  std::string name() const override { return "max_pool_forward"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    const PoolProblem problem = pool_problem(PoolKind::max, attributes_, in[0].shape);
    kernels::check_pool_problem(problem);
    return {{problem.y_shape(), in[0].dtype}, {problem.y_shape(), DType::u8}};
  }
  void run(const RunContext& context, const OpCall& call) const override {
    const PoolProblem problem = pool_problem(PoolKind::max, attributes_, call.inputs[0].shape);
    kernels::max_pool_forward(context.stream, problem, call.inputs[0], call.outputs[0],
                              call.outputs[1]);
  }
  void backward(BackwardContext& context) const override {
    const PoolProblem problem =
        pool_problem(PoolKind::max, attributes_, context.input_type(0).shape);
    context.contribute(0, std::make_shared<MaxPoolBackward>(problem, context.mode(0)),
                       {context.output_gradient(0), context.output(1)});
  }

 private:
  ops::PoolAttributes attributes_;
};

}  // namespace

ValueId ops::max_pool(Graph& graph, const std::string& name, ValueId x,
                      const PoolAttributes& attributes) {
  return graph.add_node(name, std::make_shared<MaxPool>(attributes), {x})[0];
}

}  // namespace accrete
