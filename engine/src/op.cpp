// SPDX-License-Identifier: Apache-2.0
// Defaults of the op interface and the bookkeeping of gradient contributions.
#include "accrete/engine/op.h"
#include "call_functions.h"

#include "accrete/engine/ops.h"
#include "accrete/kernels/elementwise.h"
#include "accrete/kernels/error.h"
#include "ops/apply_deferred.h"
#include "ops/zero_gradient.h"

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

std::int64_t Op::bytes_moved(const std::vector<TensorType>& inputs,
                             const std::vector<TensorType>& outputs) const {
  std::int64_t sum = 0;
  for (const std::vector<TensorType>* types : {&inputs, &outputs}) {
    for (const TensorType& type : *types) {
      sum += type.bytes();
    }
  }
  return sum;
}

std::shared_ptr<const Op> Op::with_statistics(float /*epsilon*/) const {
  return nullptr;
}

BackwardContext::BackwardContext(Graph& graph, const Node& node, std::vector<Gradient>& gradients,
                                 const std::vector<bool>& needs_gradient, bool apply_on_load)
    : graph_(graph),
      node_(node),
      gradients_(gradients),
      needs_gradient_(needs_gradient),
      apply_on_load_(apply_on_load) {}

ValueId BackwardContext::output_gradient(int index) {
  Gradient& gradient = gradients_[static_cast<std::size_t>(output(index))];
  if (gradient.deferred()) {
    const Value& y = graph_.value(output(index));
    const std::vector<ValueId> inputs = {gradient.g,           output(index), y.statistics.mean,
                                         y.statistics.inv_std, gradient.a,    gradient.b};
    gradient = {graph_.add_node(y.name + ".grad", make_apply_deferred(), inputs)[0], kNoValue,
                kNoValue};
  }
  return gradient.g;
}

LoadedGradient BackwardContext::loaded_gradient(int index) {
  const Gradient& gradient = gradients_[static_cast<std::size_t>(output(index))];
  if (!apply_on_load_ || !gradient.deferred()) {
    return {{output_gradient(index)}, false};
  }
  const ChannelStatistics& of_y = graph_.statistics(output(index));
  return {{gradient.g, output(index), of_y.mean, of_y.inv_std, gradient.a, gradient.b}, true};
}

const Gradient& BackwardContext::unapplied_gradient() const {
  return gradients_[static_cast<std::size_t>(output(0))];
}

ValueId BackwardContext::owner(int input_index) const {
  const ValueId master = graph_.value(input(input_index)).master;
  return master != kNoValue ? master : input(input_index);
}

Gradient& BackwardContext::gradient_of(int input_index) {
  return gradients_[static_cast<std::size_t>(owner(input_index))];
}

std::string BackwardContext::gradient_name(int input_index) const {
  return graph_.value(owner(input_index)).name + ".grad";
}

bool BackwardContext::needs_gradient(int input_index) const {
  return needs_gradient_[static_cast<std::size_t>(input(input_index))];
}

GradMode BackwardContext::mode(int input_index) const {
  return gradients_[static_cast<std::size_t>(owner(input_index))].exists() ? GradMode::accumulate
                                                                           : GradMode::overwrite;
}

void BackwardContext::require_plain(int input_index) const {
  if (gradients_[static_cast<std::size_t>(owner(input_index))].deferred()) {
    throw Error(ErrorCode::internal,
                "[" + node_.op->name() + "] adds a plain gradient to that of " +
                    graph_.value(owner(input_index)).name + ", which is deferred");
  }
}

std::vector<ValueId> BackwardContext::contribute(int input_index, std::shared_ptr<const Op> op,
                                                 std::vector<ValueId> inputs) {
  require_plain(input_index);
  Gradient& gradient = gradient_of(input_index);
  if (gradient.exists()) {
    inputs.push_back(gradient.g);
  }
  std::vector<ValueId> outputs = graph_.add_node(gradient_name(input_index), std::move(op), inputs);
  graph_.set_twin(outputs[0], owner(input_index));
  gradient.g = outputs[0];
  return outputs;
}

std::vector<ValueId> BackwardContext::contribute_deferred(int input_index,
                                                          std::shared_ptr<const Op> op,
                                                          std::vector<ValueId> inputs) {
  Gradient& gradient = gradient_of(input_index);
  if (gradient.exists()) {
    inputs.insert(inputs.end(), {gradient.g, gradient.a, gradient.b});
  }
  std::vector<ValueId> outputs = graph_.add_node(gradient_name(input_index), std::move(op), inputs);
  graph_.set_twin(outputs[0], owner(input_index));
  gradient = {outputs[0], outputs[1], outputs[2]};
  return outputs;
}

void BackwardContext::contribute_zero(int input_index) {
  Gradient& gradient = gradient_of(input_index);
  if (!gradient.exists()) {
    gradient.g =
        graph_.add_node(gradient_name(input_index),
                        make_zero_gradient(graph_.value(owner(input_index)).type.shape), {})[0];
  }
}

ValueId BackwardContext::add_node(int input_index, std::shared_ptr<const Op> op,
                                  const std::vector<ValueId>& inputs) {
  return graph_.add_node(gradient_name(input_index), std::move(op), inputs)[0];
}

ValueId BackwardContext::add_side_node(const std::string& suffix, std::shared_ptr<const Op> op,
                                       const std::vector<ValueId>& inputs) {
  return graph_.add_node(node_.name + suffix, std::move(op), inputs)[0];
}

void BackwardContext::contribute_value(int input_index, ValueId contribution) {
  require_plain(input_index);
  contribute_unapplied(input_index, {contribution, kNoValue, kNoValue});
}

void BackwardContext::contribute_unapplied(int input_index, const Gradient& contribution) {
  Gradient& gradient = gradient_of(input_index);
  if (!gradient.exists()) {
    gradient = contribution;
    return;
  }
  const std::string name = gradient_name(input_index);
  gradient.g = ops::add(graph_, name, gradient.g, contribution.g);
  if (contribution.deferred()) {
    gradient.a = ops::add(graph_, name, gradient.a, contribution.a);
    gradient.b = ops::add(graph_, name, gradient.b, contribution.b);
  }
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
