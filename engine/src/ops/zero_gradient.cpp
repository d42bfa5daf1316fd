// SPDX-License-Identifier: Apache-2.0
#include "ops/zero_gradient.h"
#include "call_functions.h"

#include "accrete/kernels/elementwise.h"

namespace accrete {
namespace {

class ZeroGradient final : public Op {
 public:
  explicit ZeroGradient(const Shape& shape) : shape_(shape) {}
  std::string name() const override { return "zero_gradient"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& /*in*/) const override {
    return {{shape_, DType::f32}};
  }
  void run(const RunContext& context, const OpCall& call) const override {
    kernels::fill(context.stream, call.outputs[0], 0.0F);
  }

 private:
  Shape shape_;
};

}  // namespace

std::shared_ptr<const Op> make_zero_gradient(const Shape& shape) {
  return std::make_shared<ZeroGradient>(shape);
}

bool is_zero_gradient(const Op& op) {
  return dynamic_cast<const ZeroGradient*>(&op) != nullptr;
}

}  // namespace accrete
