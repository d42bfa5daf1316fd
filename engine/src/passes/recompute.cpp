// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

class Recomputer {
 public:
  Recomputer(const DifferentiatedModel& from, int level)
      : from_(from),
        old_(from.model.graph),
        first_backward_(first_backward_node(from.model)),
        copy_(from.model),
        kept_(old_.num_values(), Kept::yes) {
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
      Node fresh = node;
      for (Operand& input : fresh.inputs) {
        input.value = for_backward(input.value);
      }
      copy_.add(node, std::move(fresh));
    }
    DifferentiatedModel result = copy_.finish(from_);
    result.again = Table<bool>(result.model.graph.num_values());
    for (const ValueId value : again_) {
      result.again[value] = true;
    }
    return result;
  }

 private:
  enum class Kept : std::uint8_t { yes, bottleneck, feature };

  void mark_bottlenecks() {
    for (NodeId id = 0; id < first_backward_; ++id) {
      const Node& node = old_.node(id);
      if (node.inputs.has(Slot::mean) && has_pointwise_weight(old_, node)) {
        kept_[node.outputs[Slot::y]] = Kept::bottleneck;
      }
    }
  }

  // What a concat of activations joins, and its result. One storage holds all of them, so that
  // keeping one would keep all.
  void mark_features() {
    for (NodeId id = 0; id < first_backward_; ++id) {
      const Node& node = old_.node(id);
      const ValueId whole = node.outputs[Slot::y];
      if (!node.inputs.has(Slot::part) || old_.value(whole).type.shape.pixels() == 1) {
        continue;
      }
      kept_[whole] = Kept::feature;
      for (const auto& [slot, part] : node.inputs) {
        if (old_.value(part).kind == ValueKind::intermediate) {
          kept_[part] = Kept::feature;
        }
      }
    }
  }

  // A value as backward nodes read it.
  ValueId for_backward(ValueId old) {
    if (kept_[old] != Kept::bottleneck) {
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
    if (kept_[old] == Kept::yes) {
      return copy_[old];
    }
    if (kept_[old] == Kept::bottleneck) {
      return compute_again(old);
    }
    const auto found = features_.find(old);
    if (found != features_.end()) {
      return found->second;
    }
    return features_[old] = compute_again(old);
  }

  // By a node like the one that wrote it, but for the statistics, which are kept.
  ValueId compute_again(ValueId old) {
    Node node = *old_.producer(old);
    for (Operand& input : node.inputs) {
      input.value = available(input.value);
    }
    node.name += ".again";
    node.outputs = node.outputs.without({Slot::y_mean, Slot::y_variance, Slot::y_inv_std});
    again_.push_back(copy_.graph().add_node(std::move(node))[Slot::y]);
    return again_.back();
  }

  const DifferentiatedModel& from_;
  const Graph& old_;
  NodeId first_backward_;
  GraphCopy copy_;
  Table<Kept> kept_;
  std::map<ValueId, ValueId> bottlenecks_;
  std::map<ValueId, ValueId> features_;
  std::vector<ValueId> again_;
};

}  // namespace

DifferentiatedModel recompute(DifferentiatedModel from, int level) {
  return level > 0 ? Recomputer(from, level).run() : std::move(from);
}

}  // namespace accrete
