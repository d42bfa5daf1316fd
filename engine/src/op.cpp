// SPDX-License-Identifier: Apache-2.0
// Defaults of the op interface and the bookkeeping of gradient contributions.
#include "accrete/engine/op.h"

#include "accrete/engine/ops.h"
#include "accrete/kernels/elementwise.h"
#include "accrete/kernels/error.h"

namespace accrete {

std::size_t Op::workspace_bytes(const std::vector<TensorType>& /*inputs*/,
                                Device /*device*/) const {
  return 0;
}

void Op::backward(BackwardContext& /*context*/) const {
  throw Error(ErrorCode::internal, "[" + name() + "] has no backward rule");
}

std::int64_t Op::macs(const std::vector<TensorType>& /*inputs*/) const {
  return 0;
}

BackwardContext::BackwardContext(Graph& graph, const Node& node, std::vector<ValueId>& gradients,
                                 const std::vector<bool>& needs_gradient)
    : graph_(graph), node_(node), gradients_(gradients), needs_gradient_(needs_gradient) {}

ValueId BackwardContext::output_gradient(int index) const {
  return gradients_[static_cast<std::size_t>(output(index))];
}

ValueId BackwardContext::owner(int input_index) const {
  const ValueId master = graph_.value(input(input_index)).master;
  return master != kNoValue ? master : input(input_index);
}

ValueId& BackwardContext::gradient_of(int input_index) {
  return gradients_[static_cast<std::size_t>(owner(input_index))];
}

std::string BackwardContext::gradient_name(int input_index) const {
  return graph_.value(owner(input_index)).name + ".grad";
}

bool BackwardContext::needs_gradient(int input_index) const {
  return needs_gradient_[static_cast<std::size_t>(input(input_index))];
}

GradMode BackwardContext::mode(int input_index) const {
  return gradients_[static_cast<std::size_t>(owner(input_index))] == kNoValue
             ? GradMode::overwrite
             : GradMode::accumulate;
}

std::vector<ValueId> BackwardContext::contribute(int input_index, std::shared_ptr<const Op> op,
                                                 std::vector<ValueId> inputs) {
  ValueId& gradient = gradient_of(input_index);
  if (gradient != kNoValue) {
    inputs.push_back(gradient);
  }
  std::vector<ValueId> outputs = graph_.add_node(gradient_name(input_index), std::move(op), inputs);
  gradient = outputs[0];
  return outputs;
}

ValueId BackwardContext::add_node(int input_index, std::shared_ptr<const Op> op,
                                  const std::vector<ValueId>& inputs) {
  return graph_.add_node(gradient_name(input_index), std::move(op), inputs)[0];
}

void BackwardContext::contribute_value(int input_index, ValueId contribution) {
  ValueId& gradient = gradient_of(input_index);
  gradient = gradient == kNoValue
                 ? contribution
                 : ops::add(graph_, gradient_name(input_index), gradient, contribution);
}

void begin_accumulation(const RunContext& context, ConstTensorView sum_so_far, TensorView output) {
  if (sum_so_far.data == output.data) {
    return;
  }
  kernels::copy(context.stream, sum_so_far, output, GradMode::overwrite);
  if (context.bytes_copied != nullptr) {
    *context.bytes_copied +=
        output.shape.elements() * static_cast<std::int64_t>(dtype_bytes(output.dtype));
  }
}

}  // namespace accrete
