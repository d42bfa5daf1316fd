// SPDX-License-Identifier: Apache-2.0
// Element-wise sum of two tensors.
#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/elementwise.h"
#include "accrete/kernels/error.h"
#include "call_functions.h"

namespace accrete {
namespace {

class Add final : public Op {
 public:
  std::string name() const override { return "add"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    if (in[0].shape != in[1].shape) {
      throw Error(ErrorCode::invalid_argument, "[add] a is " + to_string(in[0].shape) + ", b is " +
                                                   to_string(in[1].shape) +
                                                   "; shapes must be equal");
    }
    return {in[0]};
  }
  std::vector<AliasRule> alias_rules() const override {
    return {{AliasRule::Kind::in_place, 0, 0, 0}, {AliasRule::Kind::in_place, 0, 1, 0}};
  }
  void run(const RunContext& context, const OpCall& call) const override {
    kernels::add(context.stream, call.inputs[0], call.inputs[1], call.outputs[0]);
  }
  // The gradient of a sum is the gradient of each term: no node, only a name for it.
  void backward(BackwardContext& context) const override {
    for (int i = 0; i < 2; ++i) {
      if (context.needs_gradient(i)) {
        context.contribute_value(i, context.output_gradient(0));
      }
    }
  }
};

}  // namespace

ValueId ops::add(Graph& graph, const std::string& name, ValueId a, ValueId b) {
  return graph.add_node(name, std::make_shared<Add>(), {a, b})[0];
}

}  // namespace accrete
