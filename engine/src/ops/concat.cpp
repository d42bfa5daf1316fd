// SPDX-License-Identifier: Apache-2.0
// Concatenation of channels and its inverse. Placement makes both free; where it is off or does
// not apply they copy, and count what they copied.
#include "accrete/engine/autograd.h"
#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/error.h"

namespace accrete {
namespace {

BoundCall counted_copies(std::vector<kernels::Copy> copies) {
  return [copies = std::move(copies)](const RunContext& context, const Workspace& /*workspace*/) {
    for (const kernels::Copy& copy : copies) {
      run_counted(context, copy);
    }
    return kernels::Copy::kName;
  };
}

class ChannelSlice final : public Op {
 public:
  ChannelSlice(std::int64_t offset, std::int64_t count) : offset_(offset), count_(count) {}
  std::string name(const Node& /*node*/) const override { return "channel_slice"; }
  void infer(Tensors& tensors) const override {
    const TensorView x = tensors[Slot::x];
    Shape shape = x.shape;
    if (offset_ < 0 || count_ < 1 || offset_ + count_ > shape.c) {
      throw Error(ErrorCode::invalid_argument, "[channel_slice] channels [" +
                                                   std::to_string(offset_) + ", " +
                                                   std::to_string(offset_ + count_) + ") of x " +
                                                   to_string(shape) + " do not exist");
    }
    shape.c = count_;
    tensors.plan(Slot::y, shape, x.dtype);
  }
  std::vector<AliasRule> alias_rules(const Graph& /*graph*/, const Node& node) const override {
    return {{AliasRule::Kind::view, node.outputs[Slot::y], node.inputs[Slot::x], offset_}};
  }
  BoundCall bind(const Tensors& tensors) const override {
    return counted_copies(
        {{TensorView(tensors[Slot::x].channels(offset_, count_)), tensors[Slot::y]}});
  }

 private:
  std::int64_t offset_;
  std::int64_t count_;
};

class Concat final : public Op {
 public:
  std::string name(const Node& /*node*/) const override { return "concat"; }

  void infer(Tensors& tensors) const override {
    const TensorView first = tensors[Slot::part];
    Shape whole = first.shape;
    whole.c = 0;
    for (std::size_t i = 0; i < tensors.node().inputs.size(); ++i) {
      const TensorView& part = tensors.view(i);
      const bool fits = part.shape.n == whole.n && part.shape.h == whole.h &&
                        part.shape.w == whole.w && part.dtype == first.dtype;
      if (!fits) {
        throw Error(ErrorCode::invalid_argument, "[concat] parts " + to_string(first.shape) +
                                                     " and " + to_string(part.shape) +
                                                     " differ in more than their channels");
      }
      whole.c += part.shape.c;
    }
    tensors.plan(Slot::y, whole, first.dtype);
  }

  std::vector<AliasRule> alias_rules(const Graph& graph, const Node& node) const override {
    std::vector<AliasRule> rules;
    std::int64_t offset = 0;
    for (const auto& [slot, part] : node.inputs) {
      rules.push_back({AliasRule::Kind::holds, node.outputs[Slot::y], part, offset});
      offset += graph.value(part).type.shape.c;
    }
    return rules;
  }

  BoundCall bind(const Tensors& tensors) const override {
    std::vector<kernels::Copy> copies;
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < tensors.node().inputs.size(); ++i) {
      const TensorView& part = tensors.view(i);
      const TensorView target = tensors[Slot::y].channels(offset, part.shape.c);
      if (part.data != target.data) {
        copies.push_back({part, target});
      }
      offset += part.shape.c;
    }
    return counted_copies(std::move(copies));
  }

  // The gradient of a part is a slice, whether something is owed to it or not.
  void backward(BackwardContext& context) const override {
    const Gradient whole = context.gradient(Slot::y);
    std::int64_t offset = 0;
    std::size_t index = 0;
    for (const auto& [slot, part] : context.node().inputs) {
      const std::int64_t channels = context.graph().value(part).type.shape.c;
      if (context.needs_gradient(part)) {
        const auto op = std::make_shared<ChannelSlice>(offset, channels);
        const auto slice = [&, value = part](ValueId of) {
          return context.add_node(
              value, {.op = op, .inputs = {{Slot::x, of}}, .outputs = {Slot::y}})[Slot::y];
        };
        Gradient gradient{slice(whole.g)};
        if (whole.deferred()) {
          gradient.a = slice(whole.a);
          gradient.b = slice(whole.b);
          gradient.mean = joined_part(context.graph(), whole.mean, index);
          gradient.inv_std = joined_part(context.graph(), whole.inv_std, index);
        }
        context.contribute_value(part, gradient);
      }
      offset += channels;
      ++index;
    }
  }

 private:
  // The statistics of a concat are those of its parts (statistics_once.cpp), joined in that order.
  static ValueId joined_part(const Graph& graph, ValueId vector, std::size_t index) {
    const Node* concat = graph.producer(vector);
    if (concat == nullptr || !concat->inputs.has(Slot::part)) {
      throw Error(ErrorCode::internal, "[concat] " + graph.value(vector).name +
                                           " is not joined from the statistics of parts");
    }
    return (concat->inputs.begin() + index)->value;
  }
};

}  // namespace

ValueId ops::concat(Graph& graph, const std::string& name, const std::vector<ValueId>& parts) {
  if (parts.empty()) {
    throw Error(ErrorCode::invalid_argument, "[concat] " + name + " has no parts");
  }
  Operands inputs;
  for (const ValueId part : parts) {
    inputs.add(Slot::part, part);
  }
  return graph.add_node({name, std::make_shared<Concat>(), inputs, {Slot::y}})[Slot::y];
}

ValueId ops::channel_slice(Graph& graph, const std::string& name, ValueId x, std::int64_t offset,
                           std::int64_t count) {
  return graph.add_node(
      {name, std::make_shared<ChannelSlice>(offset, count), {{Slot::x, x}}, {Slot::y}})[Slot::y];
}

}  // namespace accrete
