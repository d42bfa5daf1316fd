// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy: the start of every backward pass.
#include "accrete/kernels/loss.h"

#include "accrete/engine/autograd.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"
#include "ops/kernel_op.h"

namespace accrete {
namespace {

class SoftmaxCrossEntropyBackward final : public KernelOp<SoftmaxCrossEntropyBackward> {
 public:
  std::string name(const Node& /*node*/) const override { return "softmax_cross_entropy_backward"; }
  void infer(Tensors& tensors) const override {
    const TensorView probabilities = tensors[Slot::y];
    tensors.plan(Slot::grad_x, probabilities.shape, probabilities.dtype);
  }
  kernels::SoftmaxCrossEntropyBackward call(const Tensors& tensors) const {
    return {tensors[Slot::y], tensors[Slot::labels], tensors[Slot::grad_x]};
  }

 protected:
  std::vector<InPlace> in_place() const override { return {{Slot::grad_x, Slot::y}}; }
};

// x are the logits, y the probabilities.
class SoftmaxCrossEntropy final : public KernelOp<SoftmaxCrossEntropy> {
 public:
  std::string name(const Node& /*node*/) const override { return "softmax_cross_entropy_forward"; }
  void infer(Tensors& tensors) const override {
    const TensorView logits = tensors[Slot::x];
    const TensorView labels = tensors[Slot::labels];
    const Shape expected_labels{logits.shape.n, 1, 1, 1};
    if (logits.shape.h != 1 || logits.shape.w != 1 || labels.shape != expected_labels ||
        labels.dtype != DType::i32) {
      throw Error(ErrorCode::invalid_argument,
                  "[softmax_cross_entropy] logits " + to_string(logits.shape) + " and labels " +
                      to_string(labels.shape) + " " + dtype_name(labels.dtype) +
                      " do not fit; expected [N,1,1,C] and [N,1,1,1] i32");
    }
    tensors.plan(Slot::loss, channel_vector(1));
    tensors.plan(Slot::correct, channel_vector(1));
    tensors.plan(Slot::y, logits.shape, logits.dtype);
  }
  kernels::SoftmaxCrossEntropyForward call(const Tensors& tensors) const {
    return {tensors[Slot::x], tensors[Slot::labels], tensors[Slot::y], tensors[Slot::loss],
            tensors[Slot::correct]};
  }
  void backward(BackwardContext& context) const override {
    if (context.has_gradient(context[Slot::x])) {
      throw Error(ErrorCode::unsupported,
                  "[softmax_cross_entropy] the logits may have no other reader");
    }
    context.contribute(context[Slot::x], {.op = std::make_shared<SoftmaxCrossEntropyBackward>(),
                                          .inputs = {{Slot::y, context[Slot::y]},
                                                     {Slot::labels, context[Slot::labels]}},
                                          .outputs = {Slot::grad_x}});
  }

 protected:
  std::vector<InPlace> in_place() const override { return {{Slot::y, Slot::x}}; }
};

}  // namespace

ops::Loss ops::softmax_cross_entropy(Graph& graph, const std::string& name, ValueId logits,
                                     ValueId labels) {
  const Operands written = graph.add_node({name,
                                           std::make_shared<SoftmaxCrossEntropy>(),
                                           {{Slot::x, logits}, {Slot::labels, labels}},
                                           {Slot::loss, Slot::correct, Slot::y}});
  return {written[Slot::loss], written[Slot::correct], written[Slot::y]};
}

}  // namespace accrete
