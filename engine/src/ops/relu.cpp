// SPDX-License-Identifier: Apache-2.0
#include "ops/relu.h"
#include "call_functions.h"

#include "accrete/engine/ops.h"
#include "accrete/kernels/kernels.h"
#include "ops/gradient_op.h"

namespace accrete {
namespace {

// Inputs grad_y, y and, with accumulate, the gradient so far.
class ReluBackward final : public GradientOp {
 public:
  explicit ReluBackward(GradMode mode) : GradientOp(mode, 2, InPlace::first_input) {}
  std::string name() const override { return "relu_backward"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {in[0]};
  }
  void contribute(const RunContext& context, const OpCall& call) const override {
    kernels::relu_backward(context.stream, call.inputs[0], call.inputs[1], call.outputs[0], mode());
  }
};

}  // namespace

std::vector<TensorType> Relu::infer(const std::vector<TensorType>& inputs) const {
  return {inputs[0]};
}

std::vector<AliasRule> Relu::alias_rules() const {
  return {{AliasRule::Kind::in_place, 0, 0, 0}};
}

void Relu::run(const RunContext& context, const OpCall& call) const {
  kernels::relu_forward(context.stream, call.inputs[0], call.outputs[0]);
}

void Relu::backward(BackwardContext& context) const {
  context.contribute(0, std::make_shared<ReluBackward>(context.mode(0)),
                     {context.output_gradient(0), context.output(0)});
}

ValueId ops::relu(Graph& graph, const std::string& name, ValueId x) {
  return graph.add_node(name, std::make_shared<Relu>(), {x})[0];
}

}  // namespace accrete
