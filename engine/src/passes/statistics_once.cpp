// SPDX-License-Identifier: Apache-2.0
// Batch statistics are per channel, so those of a concat are those of its parts side by side: in a
// dense block every feature's mean and deviation is computed once, however many layers read it.
// All running statistics are updated by one node at the end.
//
// Batch norm with ReLU becomes NormRelu of a value and its statistics. Any other batch norm becomes
// a normalisation with given statistics, whose gradient is its own: the statistics can still be
// shared, and taken by whoever writes the value.
//
// With statistics of the batch the gradient of a value then is a deferred one (op.h), which every
// reader must know how to add to: a batch norm takes part only if all readers of all values it is
// connected with through concats are batch norms with ReLU. Running statistics are constants:
// nothing is deferred, and every batch norm that normalises with them takes part.
#include <map>

#include "accrete/engine/ops.h"
#include "ops/norm.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

// Whether a node is a batch norm, and one with statistics of the batch.
bool is_batch_norm(const Node& node) {
  return node.inputs.has(Slot::x) && node.inputs.has(Slot::running_mean);
}
bool has_batch_statistics(const Node& node) {
  return is_batch_norm(node) && node.outputs.has(Slot::mean);
}

bool is_concat(const Node& node) {
  return node.inputs.has(Slot::part);
}

// Values connected through concats, as a forest of representatives.
class Families {
 public:
  explicit Families(const Graph& graph) : parent_(graph.num_values()) {
    for (ValueId id = 0; id < graph.num_values(); ++id) {
      parent_[id] = id;
    }
    for (NodeId id = 0; id < graph.num_nodes(); ++id) {
      const Node& node = graph.node(id);
      for (const auto& [slot, part] : node.inputs.only({Slot::part})) {
        parent_[of(part)] = of(node.outputs[Slot::y]);
      }
    }
  }
  ValueId of(ValueId value) const {
    while (parent_[value] != value) {
      value = parent_[value];
    }
    return value;
  }

 private:
  Table<ValueId> parent_;
};

// What is known of a family of values.
struct Family {
  std::string obstacle;          // why its gradients cannot be deferred; empty: they can
  float epsilon = 0.0F;          // of its batch norms; 0: none seen
  bool epsilons_differ = false;  // they cannot share statistics
};

// Takes one reader of `value` into account.
void consider(const Graph& graph, ValueId value, const Node& reader, Family& family) {
  if (is_concat(reader)) {
    return;
  }
  const bool norm = has_batch_statistics(reader) && reader.inputs[Slot::x] == value;
  if (!norm || !reader.relu) {
    family.obstacle = graph.value(value).name + " is also read by " + reader.op_name();
  }
  if (norm) {
    family.epsilons_differ |= family.epsilon != 0.0F && family.epsilon != reader.epsilon;
    family.epsilon = reader.epsilon;
  }
}

// By representative.
Table<Family> describe_families(const Graph& graph, const Families& families) {
  Table<Family> all(graph.num_values());
  const auto readers = graph.consumers();
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    Family& family = all[families.of(id)];
    if (graph.value(id).kind != ValueKind::intermediate || graph.is_output(id)) {
      family.obstacle = graph.value(id).name + " is no intermediate value";
    }
    for (const NodeId reader : readers[id]) {
      consider(graph, id, graph.node(reader), family);
    }
  }
  return all;
}

class Rewriter {
 public:
  Rewriter(const ModelGraph& model, PassNotes& notes)
      : old_(model.graph),
        families_(old_),
        descriptions_(describe_families(old_, families_)),
        notes_(notes),
        copy_(model) {}

  ModelGraph run() {
    for (NodeId id = 0; id < old_.num_nodes(); ++id) {
      const Node& node = old_.node(id);
      if (has_batch_statistics(node)) {
        rewrite_batch_statistics(node);
      } else if (is_batch_norm(node) && node.relu) {
        rewrite_running_statistics(node);
      } else {
        copy_.copy(node);
      }
    }
    if (!updates_.empty()) {
      add_running_statistics(copy_.graph(), "running_statistics", updated_, updates_);
    }
    return copy_.finish();
  }

 private:
  void rewrite_running_statistics(const Node& node) {
    const Operands in = copy_.mapped(node).inputs;
    const Operands added = copy_.graph().add_node(
        inverse_deviation(node.name + ".inv_std", in[Slot::running_var], node.epsilon));
    copy_.map(node.outputs[Slot::y], add_norm_relu(copy_.graph(), node.name,
                                                   {{Slot::x, in[Slot::x]},
                                                    {Slot::mean, in[Slot::running_mean]},
                                                    {Slot::inv_std, added[Slot::inv_std]},
                                                    {Slot::gamma, in[Slot::gamma]},
                                                    {Slot::beta, in[Slot::beta]}}));
  }

  void rewrite_batch_statistics(const Node& node) {
    const Family& family = descriptions_[families_.of(node.inputs[Slot::x])];
    if (family.epsilons_differ) {
      notes_.push_back(node.name + ": stays a batch norm, its epsilon is not that of the others");
      copy_.copy(node);
      return;
    }
    const Operands in = copy_.mapped(node).inputs;
    const Operands statistics = statistics_of(in[Slot::x], family.epsilon);
    const Operands x = in.only({Slot::x});
    const Operands affine = in.only({Slot::gamma, Slot::beta});
    const Operands applied = statistics.only({Slot::mean, Slot::inv_std});
    const std::string obstacle = node.relu ? family.obstacle : "no ReLU follows it";
    if (obstacle.empty()) {
      copy_.map(node.outputs[Slot::y],
                add_norm_relu(copy_.graph(), node.name, x + applied + affine));
    } else {
      notes_.push_back(node.name + ": makes passes of its own, " + obstacle);
      copy_.map(node.outputs[Slot::y], add_batch_norm_normalise(copy_.graph(), node.name,
                                                                x + affine + applied, node.relu));
    }
    update_running(node, in, statistics);
  }

  void update_running(const Node& node, const Operands& in, const Operands& statistics) {
    const Shape& x = copy_.graph().value(in[Slot::x]).type.shape;
    kernels::RunningStatistics update;
    update.channels = x.c;
    update.pixels = x.pixels();
    update.momentum = node.momentum;
    updates_.push_back(update);
    updated_ = std::move(updated_) + statistics.only({Slot::mean, Slot::variance}) +
               in.only({Slot::running_mean, Slot::running_var});
  }

  // mean, variance and inv_std of a value of the copy: computed once, or put together from those of
  // its parts.
  Operands statistics_of(ValueId x, float epsilon) {
    const auto known = statistics_.find(x);
    if (known != statistics_.end()) {
      return known->second;
    }
    const Node* producer = copy_.graph().producer(x);
    const std::string name = copy_.graph().value(x).name + ".statistics";
    Operands statistics = producer != nullptr && is_concat(*producer)
                              ? joined_statistics(Node(*producer), epsilon)
                              : add_statistics(copy_.graph(), name, x, epsilon);
    statistics_[x] = statistics;
    return statistics;
  }

  Operands joined_statistics(const Node& concat, float epsilon) {
    std::vector<Operands> parts;
    for (const auto& [slot, part] : concat.inputs) {
      parts.push_back(statistics_of(part, epsilon));
    }
    Operands joined;
    for (const auto& [slot, suffix] :
         {std::pair(Slot::mean, ".mean"), std::pair(Slot::variance, ".variance"),
          std::pair(Slot::inv_std, ".inv_std")}) {
      std::vector<ValueId> vectors;
      vectors.reserve(parts.size());
      for (const Operands& part : parts) {
        vectors.push_back(part[slot]);
      }
      joined.add(slot, ops::concat(copy_.graph(), concat.name + suffix, vectors));
    }
    return joined;
  }

  const Graph& old_;
  Families families_;
  Table<Family> descriptions_;
  PassNotes& notes_;
  GraphCopy copy_;
  std::map<ValueId, Operands> statistics_;  // of values of the copy
  Operands updated_;                        // for each of the updates
  std::vector<kernels::RunningStatistics> updates_;
};

}  // namespace

ModelGraph statistics_once(const ModelGraph& model, PassNotes& notes) {
  return Rewriter(model, notes).run();
}

}  // namespace accrete
