// SPDX-License-Identifier: Apache-2.0
#include "ops/bias_grad.h"

#include "accrete/kernels/conv.h"

namespace accrete {
namespace {

class BiasGrad final : public Op {
 public:
  explicit BiasGrad(GradMode mode) : mode_(mode) {}
  std::string name() const override { return "bias_grad"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {{channel_vector(in[0].shape.c), DType::f32}};
  }
  std::size_t workspace_bytes(const std::vector<TensorType>& in, Device device) const override {
    return kernels::bias_grad_workspace_bytes(in[0].shape, device);
  }
  std::vector<AliasRule> alias_rules() const override {
    if (mode_ == GradMode::overwrite) {
      return {};
    }
    return {{AliasRule::Kind::accumulates, 0, 1, 0}};
  }
  void run(const RunContext& context, const OpCall& call) const override {
    if (mode_ == GradMode::accumulate) {
      begin_accumulation(context, call.inputs[1], call.outputs[0]);
    }
    kernels::bias_grad(context.stream, call.inputs[0], call.outputs[0], mode_, call.workspace);
  }

 private:
  GradMode mode_;
};

}  // namespace

std::shared_ptr<const Op> make_bias_grad(GradMode mode) {
  return std::make_shared<BiasGrad>(mode);
}

}  // namespace accrete
