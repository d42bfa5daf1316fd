// SPDX-License-Identifier: Apache-2.0
#include "passes/recompute.h"

#include <map>
#include <string>

#include "accrete/engine/op.h"
#include "ops/conv.h"
#include "passes/graph_copy.h"

namespace accrete {
namespace {

class Recomputer {
 public:
  Recomputer(const DifferentiatedModel& from, NodeId first_backward, int level)
      : from_(from), old_(from.model.graph), first_backward_(first_backward), copy_(from.model) {
    kept_.assign(static_cast<std::size_t>(old_.num_values()), Kept::yes);
    mark_bottlenecks();
    if (level >= 2) {
      mark_features();
    }
  }

  DifferentiatedModel run() {
    for (NodeId id = 0; id < old_.num_nodes(); ++id) {
      const Node& node = old_.node(id);
      if (id < first_backward_) {
        copy_.copy(node);
        continue;
      }
      std::vector<ValueId> inputs;
      for (const ValueId input : node.inputs) {
        inputs.push_back(for_backward(input));
      }
      copy_.copy_as(node, node.op, inputs);
    }
    return copy_.finish(from_.gradients);
  }

 private:
  enum class Kept : std::uint8_t { yes, bottleneck, feature };

  Kept& kept(ValueId value) { return kept_[static_cast<std::size_t>(value)]; }

  void mark_bottlenecks() {
    for (NodeId id = 0; id < first_backward_; ++id) {
      const Node& node = old_.node(id);
      const auto* conv = dynamic_cast<const Conv*>(node.op.get());
      if (conv != nullptr && conv->is_bottleneck(old_.value(node.inputs[1]).type.shape)) {
        kept(node.outputs[0]) = Kept::bottleneck;
      }
    }
  }

  // What a concat of activations joins, and its result. One storage holds all of them, so that
  // keeping one would keep all.
  void mark_features() {
    for (NodeId id = 0; id < first_backward_; ++id) {
      const Node& node = old_.node(id);
      if (node.op->name() != "concat" || old_.value(node.outputs[0]).type.shape.pixels() == 1) {
        continue;
      }
      kept(node.outputs[0]) = Kept::feature;
      for (const ValueId part : node.inputs) {
        if (old_.value(part).kind == ValueKind::intermediate) {
          kept(part) = Kept::feature;
        }
      }
    }
  }

  // A value as backward nodes read it.
  ValueId for_backward(ValueId old) {
    if (kept(old) != Kept::bottleneck) {
      return available(old);
    }
    const auto found = bottlenecks_.find(old);
    if (found != bottlenecks_.end()) {
      return found->second;
    }
    return bottlenecks_[old] = compute_again(old);
  }

  // A value that nodes which compute something again read: bottlenecks on the way to features are
  // not kept for the backward pass.
  ValueId available(ValueId old) {
    if (kept(old) == Kept::yes) {
      return copy_[old];
    }
    if (kept(old) == Kept::bottleneck) {
      return compute_again(old);
    }
    const auto found = features_.find(old);
    if (found != features_.end()) {
      return found->second;
    }
    return features_[old] = compute_again(old);
  }

  ValueId compute_again(ValueId old) {
    const Node& node = old_.node(old_.value(old).producer);
    std::vector<ValueId> inputs;
    for (const ValueId input : node.inputs) {
      inputs.push_back(available(input));
    }
    const auto plain = node.op->without_statistics();
    const auto outputs =
        copy_.graph().add_node(node.name + ".again", plain != nullptr ? plain : node.op, inputs);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (node.outputs[i] == old) {
        copy_.graph().set_statistics(outputs[i], copy_.graph().statistics(copy_[old]));
        copy_.graph().set_again(outputs[i]);
        return outputs[i];
      }
    }
    return kNoValue;
  }

  const DifferentiatedModel& from_;
  const Graph& old_;
  NodeId first_backward_;
  GraphCopy copy_;
  std::vector<Kept> kept_;
  std::map<ValueId, ValueId> bottlenecks_;
  std::map<ValueId, ValueId> features_;
};

}  // namespace

DifferentiatedModel recompute(const DifferentiatedModel& from, NodeId first_backward, int level) {
  return level > 0 ? Recomputer(from, first_backward, level).run() : from;
}

}  // namespace accrete
