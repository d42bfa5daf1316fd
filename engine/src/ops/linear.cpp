// SPDX-License-Identifier: Apache-2.0
// Fully connected layer and its gradients.
#include "accrete/kernels/kernels.h"

#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"
#include "call_functions.h"
#include "ops/bias_grad.h"
#include "ops/gradient_op.h"

namespace accrete {
namespace {

// Which of the two matrix gradients: they differ in shapes and kernel only.
enum class Side { data, weight };

// Side::data: inputs grad_y [N,1,1,K], weight [K,1,1,C]. Side::weight: inputs x [N,1,1,C], grad_y.
template <Side side>
class LinearGrad final : public GradientOp {
 public:
  explicit LinearGrad(GradMode mode) : GradientOp(mode, 2) {}
  std::string name() const override { return side == Side::data ? "linear_dgrad" : "linear_wgrad"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    const Shape& a = in[0].shape;
    const Shape& b = in[1].shape;
    return {side == Side::data ? TensorType{{a.n, 1, 1, b.c}, in[0].dtype}
                               : TensorType{{b.c, 1, 1, a.c}, DType::f32}};
  }
  std::size_t workspace_bytes(const std::vector<TensorType>& in, Device device) const override {
    const Shape& a = in[0].shape;
    const Shape& b = in[1].shape;
    const DType dtype = in[0].dtype;
    return side == Side::data ? kernels::linear_workspace_bytes(a.n, b.c, a.c, device, dtype)
                              : kernels::linear_workspace_bytes(a.n, a.c, b.c, device, dtype);
  }
  void contribute(const RunContext& context, const OpCall& call) const override {
    const auto kernel = side == Side::data ? kernels::linear_dgrad : kernels::linear_wgrad;
    kernel(context.stream, call.inputs[0], call.inputs[1], call.outputs[0], mode(), call.workspace);
  }
  std::int64_t macs(const std::vector<TensorType>& in) const override {
    return in[0].shape.elements() * in[1].shape.c;
  }
};

class LinearForward final : public Op {
 public:
  explicit LinearForward(bool has_bias) : has_bias_(has_bias) {}
  std::string name() const override { return "linear_forward"; }

  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    const Shape& x = in[0].shape;
    const Shape& weight = in[1].shape;
    const bool fits = x.h == 1 && x.w == 1 && weight.h == 1 && weight.w == 1 && x.c == weight.c &&
                      (!has_bias_ || in[2].shape == channel_vector(weight.n));
    if (!fits) {
      throw Error(ErrorCode::invalid_argument,
                  "[linear_forward] x " + to_string(x) + " and weight " + to_string(weight) +
                      " do not fit; expected x [N,1,1,C], weight [K,1,1,C], bias [1,1,1,K]");
    }
    return {{Shape{x.n, 1, 1, weight.n}, in[0].dtype}};
  }
  std::size_t workspace_bytes(const std::vector<TensorType>& in, Device device) const override {
    return kernels::linear_workspace_bytes(in[0].shape.n, in[0].shape.c, in[1].shape.n, device,
                                           in[0].dtype);
  }
  void run(const RunContext& context, const OpCall& call) const override {
    const ConstTensorView bias = has_bias_ ? ConstTensorView(call.inputs[2]) : ConstTensorView();
    kernels::linear_forward(context.stream, call.inputs[0], call.inputs[1], bias, call.outputs[0],
                            call.workspace);
  }
  void backward(BackwardContext& context) const override {
    const ValueId grad_y = context.output_gradient(0);
    if (has_bias_ && context.needs_gradient(2)) {
      context.contribute(2, make_bias_grad(context.mode(2)), {grad_y});
    }
    if (context.needs_gradient(1)) {
      context.contribute(1, std::make_shared<LinearGrad<Side::weight>>(context.mode(1)),
                         {context.input(0), grad_y});
    }
    if (context.needs_gradient(0)) {
      context.contribute(0, std::make_shared<LinearGrad<Side::data>>(context.mode(0)),
                         {grad_y, context.input(1)});
    }
  }
  std::int64_t macs(const std::vector<TensorType>& in) const override {
    return in[0].shape.elements() * in[1].shape.n;
  }

 private:
  bool has_bias_;
};

}  // namespace

ValueId ops::linear(Graph& graph, const std::string& name, ValueId x, ValueId weight,
                    ValueId bias) {
  std::vector<ValueId> inputs = {x, graph.in_dtype(weight, graph.value(x).type.dtype)};
  if (bias != kNoValue) {
    inputs.push_back(bias);
  }
  return graph.add_node(name, std::make_shared<LinearForward>(bias != kNoValue), inputs)[0];
}

}  // namespace accrete
