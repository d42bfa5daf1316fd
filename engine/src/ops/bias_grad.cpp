// SPDX-License-Identifier: Apache-2.0
#include "ops/bias_grad.h"
#include "call_functions.h"

#include "accrete/kernels/conv.h"
#include "ops/gradient_op.h"

namespace accrete {
namespace {

class BiasGrad final : public GradientOp {
 public:
  explicit BiasGrad(GradMode mode) : GradientOp(mode, 1) {}
  std::string name() const override { return "bias_grad"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {{channel_vector(in[0].shape.c), DType::f32}};
  }
  std::size_t workspace_bytes(const std::vector<TensorType>& in, Device device) const override {
    return kernels::bias_grad_workspace_bytes(in[0].shape, device);
  }
  void contribute(const RunContext& context, const OpCall& call) const override {
    kernels::bias_grad(context.stream, call.inputs[0], call.outputs[0], mode(), call.workspace);
  }
};

}  // namespace

std::shared_ptr<const Op> make_bias_grad(GradMode mode) {
  return std::make_shared<BiasGrad>(mode);
}

}  // namespace accrete
