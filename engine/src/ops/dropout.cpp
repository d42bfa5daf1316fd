// SPDX-License-Identifier: Apache-2.0
// Dropout: the mask is a function of (seed, layer, step, element) and is never stored.
#include "accrete/kernels/kernels.h"

#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"
#include "call_functions.h"
#include "ops/gradient_op.h"

namespace accrete {
namespace {

RandomKey mask_key(const RunContext& context, std::uint64_t layer) {
  return {context.seed, mix_stream(mix_stream(0xd209, layer), context.step)};
}

// Inputs grad_y and, with accumulate, the gradient so far.
class DropoutBackward final : public GradientOp {
 public:
  DropoutBackward(float rate, std::uint64_t layer, GradMode mode)
      : GradientOp(mode, 1, InPlace::first_input), rate_(rate), layer_(layer) {}
  std::string name() const override { return "dropout_backward"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {in[0]};
  }
  bool varies_by_step() const override { return true; }
  void contribute(const RunContext& context, const OpCall& call) const override {
    kernels::dropout_backward(context.stream, rate_, mask_key(context, layer_), call.inputs[0],
                              call.outputs[0], mode());
  }

 private:
  float rate_;
  std::uint64_t layer_;
};

class Dropout final : public Op {
 public:
  Dropout(float rate, std::uint64_t layer) : rate_(rate), layer_(layer) {}
  std::string name() const override { return "dropout_forward"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {in[0]};
  }
  std::vector<AliasRule> alias_rules() const override {
    return {{AliasRule::Kind::in_place, 0, 0, 0}};
  }
  bool varies_by_step() const override { return true; }
  void run(const RunContext& context, const OpCall& call) const override {
    kernels::dropout_forward(context.stream, rate_, mask_key(context, layer_), call.inputs[0],
                             call.outputs[0]);
  }
  void backward(BackwardContext& context) const override {
    context.contribute(0, std::make_shared<DropoutBackward>(rate_, layer_, context.mode(0)),
                       {context.output_gradient(0)});
  }

 private:
  float rate_;
  std::uint64_t layer_;
};

}  // namespace

ValueId ops::dropout(Graph& graph, const std::string& name, ValueId x, float rate,
                     std::uint64_t layer) {
  if (!(rate >= 0.0F && rate < 1.0F)) {
    throw Error(ErrorCode::invalid_argument,
                "[dropout] rate " + std::to_string(rate) + " of " + name + " is not in [0, 1)");
  }
  return graph.add_node(name, std::make_shared<Dropout>(rate, layer), {x})[0];
}

}  // namespace accrete
