// SPDX-License-Identifier: Apache-2.0
// Max pooling: keeps the winner of each window for the backward pass.
#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/kernels.h"
#include "accrete/kernels/pool.h"
#include "call_functions.h"
#include "ops/channel_statistics.h"
#include "ops/gradient_op.h"
#include "ops/norm_relu.h"
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

// Inputs of the gradient of y (norm_relu.h), winner, x, mean, inv_std, gamma, beta.
class NormMaxPoolBackward final : public NormReluGradientOp {
 public:
  NormMaxPoolBackward(const PoolProblem& problem, bool deferred, const NormGradientKind& kind)
      : NormReluGradientOp(kind, gradient_inputs(deferred) + 1),
        problem_(problem),
        deferred_(deferred) {}
  std::string name() const override {
    return std::string(deferred_ ? "deferred+" : "") + "max_pool_backward+norm_relu";
  }

 private:
  void contribute(const RunContext& context, const OpCall& call,
                  const kernels::NormReluGradient& out) const override {
    const TensorView* rest = call.inputs + gradient_inputs(deferred_);
    kernels::norm_relu_max_pool_backward(context.stream, problem_,
                                         gradient_argument(call.inputs, deferred_), rest[0],
                                         rest[1], norm_argument(rest + 2), out, call.workspace);
  }

  PoolProblem problem_;
  bool deferred_;
};

// Input x, with norm read through NormRelu: inputs mean, inv_std, gamma, beta. Outputs y, winner,
// with statistics mean, variance, inv_std of y.
class MaxPool final : public Op {
 public:
  struct Parts {
    bool norm = false;
    bool statistics = false;  // needs norm
    float epsilon = 0.0F;
  };
  MaxPool(const ops::PoolAttributes& attributes, const Parts& parts)
      : attributes_(attributes), parts_(parts) {}

  std::string name() const override {
    return std::string(parts_.norm ? "norm_relu+" : "") + "max_pool_forward" +
           (parts_.statistics ? "+statistics" : "");
  }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    const PoolProblem problem = problem_for(in[0].shape);
    kernels::check_pool_problem(problem);
    if (parts_.norm) {
      check_norm_inputs(name(), in, 1);
    }
    std::vector<TensorType> out = {{problem.y_shape(), in[0].dtype},
                                   {problem.y_shape(), DType::u8}};
    if (parts_.statistics) {
      const auto vectors = statistics_types(problem.C);
      out.insert(out.end(), vectors.begin(), vectors.end());
    }
    return out;
  }
  std::size_t workspace_bytes(const std::vector<TensorType>& in, Device device) const override {
    return parts_.norm ? kernels::norm_relu_workspace_bytes(in[0].shape, device) : 0;
  }
  void run(const RunContext& context, const OpCall& call) const override {
    const PoolProblem problem = problem_for(call.inputs[0].shape);
    if (!parts_.norm) {
      kernels::max_pool_forward(context.stream, problem, call.inputs[0], call.outputs[0],
                                call.outputs[1]);
      return;
    }
    kernels::norm_relu_max_pool_forward(
        context.stream, problem, call.inputs[0], norm_argument(call.inputs + 1), call.outputs[0],
        call.outputs[1],
        parts_.statistics ? statistics_output(call.outputs + 2, parts_.epsilon)
                          : kernels::StatisticsOutput(),
        call.workspace);
  }
  void backward(BackwardContext& context) const override {
    const PoolProblem problem = problem_for(context.input_type(0).shape);
    if (!parts_.norm) {
      context.contribute(0, std::make_shared<MaxPoolBackward>(problem, context.mode(0)),
                         {context.output_gradient(0), context.output(1)});
      return;
    }
    const LoadedGradient grad_y = context.loaded_gradient(0);
    std::vector<ValueId> inputs = grad_y.values;
    inputs.push_back(context.output(1));
    contribute_norm_relu(context, 1,
                         std::make_shared<NormMaxPoolBackward>(problem, grad_y.deferred,
                                                               norm_gradient_kind(context, 1)),
                         gradient_and_inputs(context, inputs));
  }
  std::shared_ptr<const Op> with_norm_on_load() const override {
    return parts_.norm ? nullptr : std::make_shared<MaxPool>(attributes_, Parts{true, false, 0.0F});
  }
  std::shared_ptr<const Op> with_statistics(float epsilon) const override {
    return parts_.norm && !parts_.statistics
               ? std::make_shared<MaxPool>(attributes_, Parts{true, true, epsilon})
               : nullptr;
  }

  std::shared_ptr<const Op> without_statistics() const override {
    return parts_.statistics ? std::make_shared<MaxPool>(attributes_, Parts{true, false, 0.0F})
                             : nullptr;
  }

 private:
  PoolProblem problem_for(const Shape& x) const {
    return pool_problem(PoolKind::max, attributes_, x);
  }

  ops::PoolAttributes attributes_;
  Parts parts_;
};

}  // namespace

ValueId ops::max_pool(Graph& graph, const std::string& name, ValueId x,
                      const PoolAttributes& attributes) {
  return graph.add_node(name, std::make_shared<MaxPool>(attributes, MaxPool::Parts{}), {x})[0];
}

}  // namespace accrete
