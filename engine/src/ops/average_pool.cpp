// SPDX-License-Identifier: Apache-2.0
#include "ops/average_pool.h"
#include "call_functions.h"

#include "accrete/kernels/kernels.h"
#include "accrete/kernels/pool.h"
#include "ops/gradient_op.h"
#include "ops/norm_relu.h"
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

// Inputs grad_y, x, mean, inv_std, gamma, beta.
class NormAveragePoolBackward final : public NormReluGradientOp {
 public:
  NormAveragePoolBackward(const PoolProblem& problem, const NormGradientKind& kind)
      : NormReluGradientOp(kind, 1), problem_(problem) {}
  std::string name() const override { return "average_pool_backward+norm_relu"; }

 private:
  void contribute(const RunContext& context, const OpCall& call,
                  const kernels::NormReluGradient& out) const override {
    kernels::norm_relu_average_pool_backward(context.stream, problem_, call.inputs[0],
                                             call.inputs[1], norm_argument(call.inputs + 2), out,
                                             call.workspace);
  }

  PoolProblem problem_;
};

}  // namespace

std::string AveragePool::name() const {
  return norm_ ? "norm_relu+average_pool_forward" : "average_pool_forward";
}

std::vector<TensorType> AveragePool::infer(const std::vector<TensorType>& in) const {
  const PoolProblem problem = pool_problem(PoolKind::average, attributes_, in[0].shape);
  kernels::check_pool_problem(problem);
  if (norm_) {
    check_norm_inputs(name(), in, 1);
  }
  return {{problem.y_shape(), in[0].dtype}};
}

void AveragePool::run(const RunContext& context, const OpCall& call) const {
  const PoolProblem problem = pool_problem(PoolKind::average, attributes_, call.inputs[0].shape);
  if (norm_) {
    kernels::norm_relu_average_pool_forward(context.stream, problem, call.inputs[0],
                                            norm_argument(call.inputs + 1), call.outputs[0]);
  } else {
    kernels::average_pool_forward(context.stream, problem, call.inputs[0], call.outputs[0]);
  }
}

void AveragePool::backward(BackwardContext& context) const {
  const PoolProblem problem =
      pool_problem(PoolKind::average, attributes_, context.input_type(0).shape);
  if (norm_) {
    contribute_norm_relu(
        context, 1,
        std::make_shared<NormAveragePoolBackward>(problem, norm_gradient_kind(context, 1)),
        gradient_and_inputs(context, {context.output_gradient(0)}));
  } else {
    context.contribute(0, std::make_shared<AveragePoolBackward>(problem, context.mode(0)),
                       {context.output_gradient(0)});
  }
}

std::shared_ptr<const Op> AveragePool::with_norm_on_load() const {
  return norm_ ? nullptr : std::make_shared<AveragePool>(attributes_, true);
}

ValueId ops::average_pool(Graph& graph, const std::string& name, ValueId x,
                          const PoolAttributes& attributes) {
  return graph.add_node(name, std::make_shared<AveragePool>(attributes), {x})[0];
}

}  // namespace accrete
