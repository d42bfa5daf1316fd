// SPDX-License-Identifier: Apache-2.0
#include "ops/apply_deferred.h"
#include "call_functions.h"

#include "accrete/kernels/norm_relu.h"
#include "ops/norm_relu.h"

namespace accrete {
namespace {

class ApplyDeferred final : public Op {
 public:
  std::string name() const override { return "apply_deferred_gradient"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {in[0]};
  }
  std::vector<AliasRule> alias_rules() const override {
    return {{AliasRule::Kind::in_place, 0, 0, 0}};
  }
  void run(const RunContext& context, const OpCall& call) const override {
    kernels::apply_deferred_gradient(context.stream, gradient_argument(call.inputs, true),
                                     call.outputs[0]);
  }
};

}  // namespace

std::shared_ptr<const Op> make_apply_deferred() {
  return std::make_shared<ApplyDeferred>();
}

}  // namespace accrete
