// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/op.h"

#include "accrete/engine/autograd.h"
#include "accrete/kernels/error.h"

namespace accrete {

TensorView Tensors::operator[](Slot slot) const {
  std::size_t index = node_.inputs.size();
  for (const auto& [written, value] : node_.outputs) {
    if (written == slot) {
      return views_[index];
    }
    ++index;
  }
  index = 0;
  for (const auto& [read, value] : node_.inputs) {
    if (read == slot) {
      return views_[index];
    }
    ++index;
  }
  return {};
}

void Tensors::plan(Slot output, const Shape& shape, DType dtype) {
  std::size_t index = node_.inputs.size();
  for (const auto& [slot, value] : node_.outputs) {
    if (slot == output) {
      views_[index] = TensorView(nullptr, shape, dtype);
    }
    ++index;
  }
}

std::size_t Op::workspace_bytes(const Tensors& /*tensors*/, const Device& /*device*/) const {
  return 0;
}

kernels::Cost Op::cost(const Tensors& tensors) const {
  const Node& node = tensors.node();
  kernels::Cost sum;
  for (std::size_t i = 0; i < node.inputs.size() + node.outputs.size(); ++i) {
    const TensorView& view = tensors.view(i);
    sum.bytes += TensorType{view.shape, view.dtype}.bytes();
  }
  return sum;
}

void Op::backward(BackwardContext& context) const {
  throw Error(ErrorCode::internal, "[" + context.node().op_name() + "] has no backward rule");
}

std::vector<AliasRule> Op::alias_rules(const Graph& /*graph*/, const Node& node) const {
  std::vector<AliasRule> rules;
  for (const auto& [slot, output] : node.outputs) {
    if (node.accumulates(slot)) {
      rules.push_back({AliasRule::Kind::accumulates, output, node.inputs[slot], 0});
    }
  }
  for (const auto& [output, input] : in_place()) {
    if (node.outputs.has(output) && !node.accumulates(output)) {
      rules.push_back({AliasRule::Kind::in_place, node.outputs[output], node.inputs[input], 0});
    }
  }
  return rules;
}

std::vector<TensorView> planned_views(const Graph& graph, const Node& node) {
  std::vector<TensorView> views;
  views.reserve(node.inputs.size() + node.outputs.size());
  for (const Operands* operands : {&node.inputs, &node.outputs}) {
    for (const auto& [slot, value] : *operands) {
      if (value == kNoValue) {
        views.emplace_back();
      } else {
        const TensorType& type = graph.value(value).type;
        views.emplace_back(nullptr, type.shape, type.dtype);
      }
    }
  }
  return views;
}

std::size_t workspace_bytes(const Graph& graph, const Node& node, const Device& device) {
  std::vector<TensorView> views = planned_views(graph, node);
  return node.op->workspace_bytes(Tensors(node, views.data()), device);
}

kernels::Cost cost(const Graph& graph, const Node& node) {
  std::vector<TensorView> views = planned_views(graph, node);
  return node.op->cost(Tensors(node, views.data()));
}

void run_counted(const RunContext& context, const kernels::Copy& copy) {
  kernels::run(context.stream, copy);
  if (context.bytes_copied != nullptr) {
    *context.bytes_copied += TensorType{copy.src.shape, copy.src.dtype}.bytes();
  }
}

}  // namespace accrete
