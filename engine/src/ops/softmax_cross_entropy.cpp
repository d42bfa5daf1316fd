// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy: the start of every backward pass.
#include "accrete/kernels/kernels.h"

#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"
#include "call_functions.h"

namespace accrete {
namespace {

// Inputs probabilities, labels.
class SoftmaxCrossEntropyBackward final : public Op {
 public:
  std::string name() const override { return "softmax_cross_entropy_backward"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    return {in[0]};
  }
  std::vector<AliasRule> alias_rules() const override {
    return {{AliasRule::Kind::in_place, 0, 0, 0}};
  }
  void run(const RunContext& context, const OpCall& call) const override {
    kernels::softmax_cross_entropy_backward(context.stream, call.inputs[0], call.inputs[1],
                                            call.outputs[0]);
  }
};

// Inputs logits, labels. Outputs loss, correct, probabilities.
class SoftmaxCrossEntropy final : public Op {
 public:
  std::string name() const override { return "softmax_cross_entropy_forward"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    const Shape& logits = in[0].shape;
    const Shape expected_labels{logits.n, 1, 1, 1};
    if (logits.h != 1 || logits.w != 1 || in[1].shape != expected_labels ||
        in[1].dtype != DType::i32) {
      throw Error(ErrorCode::invalid_argument,
                  "[softmax_cross_entropy] logits " + to_string(logits) + " and labels " +
                      to_string(in[1].shape) + " " + dtype_name(in[1].dtype) +
                      " do not fit; expected [N,1,1,C] and [N,1,1,1] i32");
    }
    const TensorType number{channel_vector(1), DType::f32};
    return {number, number, in[0]};
  }
  std::vector<AliasRule> alias_rules() const override {
    return {{AliasRule::Kind::in_place, 2, 0, 0}};
  }
  void run(const RunContext& context, const OpCall& call) const override {
    kernels::softmax_cross_entropy_forward(context.stream, call.inputs[0], call.inputs[1],
                                           call.outputs[2], call.outputs[0], call.outputs[1]);
  }
  void backward(BackwardContext& context) const override {
    if (context.mode(0) == GradMode::accumulate) {
      throw Error(ErrorCode::unsupported,
                  "[softmax_cross_entropy] the logits may have no other reader");
    }
    context.contribute(0, std::make_shared<SoftmaxCrossEntropyBackward>(),
                       {context.output(2), context.input(1)});
  }
};

}  // namespace

ops::Loss ops::softmax_cross_entropy(Graph& graph, const std::string& name, ValueId logits,
                                     ValueId labels) {
  const auto outputs =
      graph.add_node(name, std::make_shared<SoftmaxCrossEntropy>(), {logits, labels});
  return {outputs[0], outputs[1], outputs[2]};
}

}  // namespace accrete
