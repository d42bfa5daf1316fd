// SPDX-License-Identifier: Apache-2.0
// Concatenation of channels and its inverse. Placement makes both free; where it is off or does
// not apply they copy, and count what they copied.
#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "accrete/kernels/elementwise.h"
#include "accrete/kernels/error.h"
#include "call_functions.h"

namespace accrete {
namespace {

void copy_counted(const RunContext& context, ConstTensorView source, TensorView target) {
  kernels::copy(context.stream, source, target, GradMode::overwrite);
  if (context.bytes_copied != nullptr) {
    *context.bytes_copied +=
        source.shape.elements() * static_cast<std::int64_t>(dtype_bytes(source.dtype));
  }
}

class ChannelSlice final : public Op {
 public:
  ChannelSlice(std::int64_t offset, std::int64_t count) : offset_(offset), count_(count) {}
  std::string name() const override { return "channel_slice"; }
  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    Shape shape = in[0].shape;
    if (offset_ < 0 || count_ < 1 || offset_ + count_ > shape.c) {
      throw Error(ErrorCode::invalid_argument, "[channel_slice] channels [" +
                                                   std::to_string(offset_) + ", " +
                                                   std::to_string(offset_ + count_) + ") of x " +
                                                   to_string(shape) + " do not exist");
    }
    shape.c = count_;
    return {{shape, in[0].dtype}};
  }
  std::vector<AliasRule> alias_rules() const override {
    return {{AliasRule::Kind::view, 0, 0, offset_}};
  }
  void run(const RunContext& context, const OpCall& call) const override {
    copy_counted(context, TensorView(call.inputs[0].channels(offset_, count_)), call.outputs[0]);
  }

 private:
  std::int64_t offset_;
  std::int64_t count_;
};

class Concat final : public Op {
 public:
  explicit Concat(std::vector<std::int64_t> offsets) : offsets_(std::move(offsets)) {}
  std::string name() const override { return "concat"; }

  std::vector<TensorType> infer(const std::vector<TensorType>& in) const override {
    TensorType whole = in[0];
    whole.shape.c = 0;
    for (const TensorType& part : in) {
      const bool fits = part.shape.n == whole.shape.n && part.shape.h == whole.shape.h &&
                        part.shape.w == whole.shape.w && part.dtype == whole.dtype;
      if (!fits) {
        throw Error(ErrorCode::invalid_argument, "[concat] parts " + to_string(in[0].shape) +
                                                     " and " + to_string(part.shape) +
                                                     " differ in more than their channels");
      }
      whole.shape.c += part.shape.c;
    }
    return {whole};
  }

  std::vector<AliasRule> alias_rules() const override {
    std::vector<AliasRule> rules;
    for (std::size_t i = 0; i < offsets_.size(); ++i) {
      rules.push_back({AliasRule::Kind::holds, 0, static_cast<std::int32_t>(i), offsets_[i]});
    }
    return rules;
  }

  void run(const RunContext& context, const OpCall& call) const override {
    for (std::size_t i = 0; i < offsets_.size(); ++i) {
      const TensorView& part = call.inputs[i];
      const TensorView target = call.outputs[0].channels(offsets_[i], part.shape.c);
      if (part.data != target.data) {
        copy_counted(context, part, target);
      }
    }
  }

  void backward(BackwardContext& context) const override {
    for (int i = 0; i < context.num_inputs(); ++i) {
      if (!context.needs_gradient(i)) {
        continue;
      }
      const auto slice = std::make_shared<ChannelSlice>(offsets_[static_cast<std::size_t>(i)],
                                                        context.input_type(i).shape.c);
      const Gradient whole = context.unapplied_gradient();
      Gradient part;
      part.g = context.add_node(i, slice, {whole.g});
      if (whole.deferred()) {
        part.a = context.add_node(i, slice, {whole.a});
        part.b = context.add_node(i, slice, {whole.b});
      }
      context.contribute_unapplied(i, part);
    }
  }

 private:
  std::vector<std::int64_t> offsets_;
};

}  // namespace

ValueId ops::concat(Graph& graph, const std::string& name, const std::vector<ValueId>& parts) {
  if (parts.empty()) {
    throw Error(ErrorCode::invalid_argument, "[concat] " + name + " has no parts");
  }
  std::vector<std::int64_t> offsets;
  std::int64_t offset = 0;
  for (const ValueId part : parts) {
    offsets.push_back(offset);
    offset += graph.value(part).type.shape.c;
  }
  return graph.add_node(name, std::make_shared<Concat>(offsets), parts)[0];
}

ValueId ops::channel_slice(Graph& graph, const std::string& name, ValueId x, std::int64_t offset,
                           std::int64_t count) {
  return graph.add_node(name, std::make_shared<ChannelSlice>(offset, count), {x})[0];
}

}  // namespace accrete
