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
#include <numeric>

#include "accrete/engine/op.h"
#include "accrete/engine/ops.h"
#include "ops/batch_norm.h"
#include "ops/channel_statistics.h"
#include "ops/norm_relu.h"
#include "ops/running_statistics.h"
#include "passes/graph_copy.h"
#include "passes/pass.h"

namespace accrete {
namespace {

const BatchNorm* batch_norm(const Node& node) {
  return dynamic_cast<const BatchNorm*>(node.op.get());
}

bool is_concat(const Node& node) {
  return node.op->name() == "concat";
}

// Values connected through concats, as a forest of representatives.
class Families {
 public:
  explicit Families(const Graph& graph) : parent_(static_cast<std::size_t>(graph.num_values())) {
    std::iota(parent_.begin(), parent_.end(), 0);
    for (NodeId id = 0; id < graph.num_nodes(); ++id) {
      const Node& node = graph.node(id);
      for (const ValueId part : is_concat(node) ? node.inputs : std::vector<ValueId>()) {
        parent_[static_cast<std::size_t>(of(part))] = of(node.outputs[0]);
      }
    }
  }
  ValueId of(ValueId value) const {
    while (parent_[static_cast<std::size_t>(value)] != value) {
      value = parent_[static_cast<std::size_t>(value)];
    }
    return value;
  }

 private:
  std::vector<ValueId> parent_;
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
  const BatchNorm* norm = batch_norm(reader);
  if (norm != nullptr && (!norm->has_batch_statistics() || reader.inputs[0] != value)) {
    norm = nullptr;
  }
  if (norm == nullptr || !norm->has_relu()) {
    family.obstacle = graph.value(value).name + " is also read by " + reader.op->name();
  }
  if (norm != nullptr) {
    const float epsilon = norm->options().epsilon;
    family.epsilons_differ |= family.epsilon != 0.0F && family.epsilon != epsilon;
    family.epsilon = epsilon;
  }
}

// By representative.
std::vector<Family> describe_families(const Graph& graph, const Families& families) {
  std::vector<Family> all(static_cast<std::size_t>(graph.num_values()));
  const auto readers = graph.consumers();
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    Family& family = all[static_cast<std::size_t>(families.of(id))];
    if (graph.value(id).kind != ValueKind::intermediate || graph.is_output(id)) {
      family.obstacle = graph.value(id).name + " is no intermediate value";
    }
    for (const NodeId reader : readers[static_cast<std::size_t>(id)]) {
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
      const BatchNorm* norm = batch_norm(node);
      if (norm != nullptr && norm->has_batch_statistics()) {
        rewrite_batch_statistics(node, *norm);
      } else if (norm != nullptr && norm->has_relu()) {
        rewrite_running_statistics(node, *norm);
      } else {
        copy_.copy(node);
      }
    }
    if (!running_.empty()) {
      add_running_statistics(copy_.graph(), "running_statistics", running_);
    }
    return copy_.finish();
  }

 private:
  void rewrite_running_statistics(const Node& node, const BatchNorm& norm) {
    const std::vector<ValueId> in = copy_.mapped(node.inputs);
    const ValueId inv_std = copy_.graph().add_node(
        node.name + ".inv_std", make_inverse_deviation(norm.options().epsilon), {in[4]})[0];
    copy_.map(node.outputs[0],
              add_norm_relu(copy_.graph(), node.name, {in[0], in[3], inv_std, in[1], in[2]}));
  }

  void rewrite_batch_statistics(const Node& node, const BatchNorm& norm) {
    const Family& family = descriptions_[static_cast<std::size_t>(families_.of(node.inputs[0]))];
    if (family.epsilons_differ) {
      notes_.push_back(node.name + ": stays a batch norm, its epsilon is not that of the others");
      copy_.copy(node);
      return;
    }
    const std::vector<ValueId> in = copy_.mapped(node.inputs);
    const ChannelStatistics statistics = statistics_of(in[0], family.epsilon);
    const std::string obstacle = norm.has_relu() ? family.obstacle : "no ReLU follows it";
    if (obstacle.empty()) {
      copy_.map(node.outputs[0],
                add_norm_relu(copy_.graph(), node.name,
                              {in[0], statistics.mean, statistics.inv_std, in[1], in[2]}));
    } else {
      notes_.push_back(node.name + ": makes passes of its own, " + obstacle);
      copy_.map(
          node.outputs[0],
          copy_.graph().add_node(node.name, make_batch_norm_normalise(norm.options()),
                                 {in[0], in[1], in[2], statistics.mean, statistics.inv_std})[0]);
    }
    running_.push_back({statistics.mean, statistics.variance, in[3], in[4],
                        copy_.graph().value(in[0]).type.shape.pixels(), norm.options().momentum});
  }

  // Statistics of a value of the copy: computed once, or put together from those of its parts.
  ChannelStatistics statistics_of(ValueId x, float epsilon) {
    Graph& graph = copy_.graph();
    if (graph.statistics(x).mean != kNoValue) {
      return graph.statistics(x);
    }
    const NodeId producer = graph.value(x).producer;
    const bool joined = producer != kNoNode && is_concat(graph.node(producer));
    const ChannelStatistics statistics =
        joined ? joined_statistics(Node(graph.node(producer)), epsilon)
               : add_channel_statistics(graph, graph.value(x).name + ".statistics", x, epsilon);
    graph.set_statistics(x, statistics);
    return statistics;
  }

  ChannelStatistics joined_statistics(const Node& concat, float epsilon) {
    std::vector<ValueId> means, variances, inv_stds;
    ChannelStatistics joined;
    for (const ValueId part : concat.inputs) {
      joined = statistics_of(part, epsilon);
      means.push_back(joined.mean);
      variances.push_back(joined.variance);
      inv_stds.push_back(joined.inv_std);
    }
    Graph& graph = copy_.graph();
    joined.mean = ops::concat(graph, concat.name + ".mean", means);
    joined.variance = ops::concat(graph, concat.name + ".variance", variances);
    joined.inv_std = ops::concat(graph, concat.name + ".inv_std", inv_stds);
    return joined;
  }

  const Graph& old_;
  Families families_;
  std::vector<Family> descriptions_;
  PassNotes& notes_;
  GraphCopy copy_;
  std::vector<RunningUpdate> running_;
};

}  // namespace

ModelGraph statistics_once(const ModelGraph& model, PassNotes& notes) {
  return Rewriter(model, notes).run();
}

}  // namespace accrete
