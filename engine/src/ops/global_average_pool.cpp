// SPDX-License-Identifier: Apache-2.0
// The average over the whole image.
#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/kernels.h"
#include "accrete/kernels/pool.h"
#include "call_functions.h"
#include "ops/gradient_op.h"
#include "ops/norm_relu.h"

namespace accrete {
namespace {

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

// Inputs grad_y, x, mean, inv_std, gamma, beta.
class NormGlobalAveragePoolBackward final : public NormReluGradientOp {
 public:
  explicit NormGlobalAveragePoolBackward(const NormGradientKind& kind)
      : NormReluGradientOp(kind, 1) {}
  std::string name() const override { return "global_average_pool_backward+norm_relu"; }

 private:
  void contribute(const RunContext& context, const OpCall& call,
                  const kernels::NormReluGradient& out) const override {
    kernels::norm_relu_global_average_pool_backward(context.stream, call.inputs[0], call.inputs[1],
                                                    norm_argument(call.inputs + 2), out,
                                                    call.workspace);
  }
};

// Input x, with norm read through NormRelu: inputs mean, inv_std, gamma, beta.
class GlobalAveragePool final : public Op {
 public:
  explicit GlobalAveragePool(bool norm) : norm_(norm) {}
  std::string name() const override {
    return norm_ ? "norm_relu+global_average_pool_forward" : "global_average_pool_forward";
  }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    if (norm_) {
      check_norm_inputs(name(), in, 1);
    }
    return {{Shape{in[0].shape.n, 1, 1, in[0].shape.c}, in[0].dtype}};
  }
  void run(const RunContext& context, const OpCall& call) const override {
    if (norm_) {
      kernels::norm_relu_global_average_pool_forward(
          context.stream, call.inputs[0], norm_argument(call.inputs + 1), call.outputs[0]);
    } else {
      kernels::global_average_pool_forward(context.stream, call.inputs[0], call.outputs[0]);
    }
  }
  void backward(BackwardContext& context) const override {
    if (norm_) {
      contribute_norm_relu(
          context, 1,
          std::make_shared<NormGlobalAveragePoolBackward>(norm_gradient_kind(context, 1)),
          gradient_and_inputs(context, {context.output_gradient(0)}));
    } else {
      const Shape& x = context.input_type(0).shape;
      context.contribute(0, std::make_shared<GlobalAveragePoolBackward>(x, context.mode(0)),
                         {context.output_gradient(0)});
    }
  }
  std::shared_ptr<const Op> with_norm_on_load() const override {
    return norm_ ? nullptr : std::make_shared<GlobalAveragePool>(true);
  }

 private:
  bool norm_;
};

}  // namespace

ValueId ops::global_average_pool(Graph& graph, const std::string& name, ValueId x) {
  return graph.add_node(name, std::make_shared<GlobalAveragePool>(false), {x})[0];
}

}  // namespace accrete
