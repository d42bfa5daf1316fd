// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/step_plan.h"

#include <algorithm>

#include "accrete/engine/op.h"
#include "passes/pass.h"

namespace accrete {
namespace {

// From the first write to the last read of anything in the storage. Inputs are written before the
// run, outputs are read after it.
Lifetime storage_lifetime(const Graph& graph, const Storage& storage,
                          const Table<std::vector<NodeId>>& readers) {
  Lifetime life{graph.num_nodes(), -1, storage.bytes()};
  for (const ValueId id : storage.values) {
    const Value& value = graph.value(id);
    const std::int64_t written = value.kind == ValueKind::input ? -1 : value.producer;
    life.first = std::min<std::int64_t>(life.first, written);
    life.last = std::max<std::int64_t>(life.last, written);
    const auto& used = readers[id];
    if (!used.empty()) {
      life.last = std::max<std::int64_t>(life.last, used.back());
    }
    if (graph.is_output(id)) {
      life.last = graph.num_nodes();
    }
  }
  return life;
}

void plan_blocks(StepPlan& plan, Device device) {
  const Graph& graph = plan.model.graph;
  const auto readers = graph.consumers();
  std::vector<Lifetime> blocks;
  std::vector<std::int64_t*> targets;
  plan.storage_offsets.assign(plan.placement.storages.size(), -1);
  plan.workspace_offsets = Table<std::int64_t>(graph.num_nodes(), -1);
  plan.workspace_bytes = Table<std::int64_t>(graph.num_nodes());
  for (std::size_t i = 0; i < plan.placement.storages.size(); ++i) {
    const Storage& storage = plan.placement.storages[i];
    if (!storage.persistent) {
      blocks.push_back(storage_lifetime(graph, storage, readers));
      targets.push_back(&plan.storage_offsets[i]);
    }
  }
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    plan.workspace_bytes[id] =
        static_cast<std::int64_t>(workspace_bytes(graph, graph.node(id), device));
    if (plan.workspace_bytes[id] > 0) {
      blocks.push_back({id, id, plan.workspace_bytes[id]});
      targets.push_back(&plan.workspace_offsets[id]);
    }
  }
  plan.memory = plan_memory(blocks);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    *targets[i] = plan.memory.offsets[i];
  }
}

enum class Purpose { feature_buffer, activation, activation_gradient, parameter_gradient };

Purpose purpose_of(const StepPlan& plan, const Storage& storage, NodeId first_backward_node) {
  const Graph& graph = plan.model.graph;
  for (const ParameterGradient& pair : plan.gradients) {
    if (&plan.placement.storage_of(pair.gradient) == &storage) {
      return Purpose::parameter_gradient;
    }
  }
  for (const ValueId id : storage.values) {
    const bool again = id < plan.again.size() && plan.again[id];
    if (graph.value(id).producer >= first_backward_node && !again) {
      return Purpose::activation_gradient;
    }
  }
  const bool shared = std::any_of(storage.values.begin(), storage.values.end(), [&](ValueId id) {
    return graph.value(id).type.shape.c < storage.channels;
  });
  return shared ? Purpose::feature_buffer : Purpose::activation;
}

struct PurposefulBlock {
  Lifetime life;
  Purpose purpose;
};

std::vector<PurposefulBlock> blocks_by_purpose(const StepPlan& plan) {
  const Graph& graph = plan.model.graph;
  const auto readers = graph.consumers();
  const NodeId first_backward = first_backward_node(plan.model);
  std::vector<PurposefulBlock> blocks;
  for (const Storage& storage : plan.placement.storages) {
    if (!storage.persistent) {
      blocks.push_back(
          {storage_lifetime(graph, storage, readers), purpose_of(plan, storage, first_backward)});
    }
  }
  return blocks;
}

// Bytes alive at one node, by purpose.
MemoryBreakdown alive_at(const StepPlan& plan, const std::vector<PurposefulBlock>& blocks,
                         NodeId at) {
  MemoryBreakdown sum;
  sum.peak_node = plan.model.graph.node(at).name;
  for (const auto& [life, purpose] : blocks) {
    if (life.first > at || life.last < at) {
      continue;
    }
    switch (purpose) {
      case Purpose::feature_buffer:
        sum.feature_buffers += life.bytes;
        break;
      case Purpose::activation:
        sum.activations += life.bytes;
        break;
      case Purpose::activation_gradient:
        sum.activation_gradients += life.bytes;
        break;
      case Purpose::parameter_gradient:
        sum.parameter_gradients += life.bytes;
        break;
    }
  }
  sum.workspace = plan.workspace_bytes[at];
  return sum;
}

// The first node at which most bytes are alive.
NodeId fullest_node(const StepPlan& plan, const std::vector<PurposefulBlock>& blocks) {
  const auto num_nodes = static_cast<std::size_t>(plan.model.graph.num_nodes());
  std::vector<std::int64_t> change(num_nodes + 1, 0);
  for (const auto& [life, purpose] : blocks) {
    change[static_cast<std::size_t>(std::max<std::int64_t>(life.first, 0))] += life.bytes;
    change[std::min(static_cast<std::size_t>(life.last + 1), num_nodes)] -= life.bytes;
  }
  std::int64_t alive = 0;
  std::int64_t most = 0;
  NodeId fullest = 0;
  for (std::size_t at = 0; at < num_nodes; ++at) {
    alive += change[at];
    if (alive + plan.workspace_bytes[at] > most) {
      most = alive + plan.workspace_bytes[at];
      fullest = static_cast<NodeId>(at);
    }
  }
  return fullest;
}

}  // namespace

StepPlan plan_step(ModelGraph model, bool training, const PassSwitches& switches, Device device,
                   int recompute_level) {
  StepPlan plan;
  model.graph.mark_output(model.loss);
  model.graph.mark_output(model.correct);
  DifferentiatedModel& step = plan;
  step.model = rewrite_forward(model, switches, plan.passes);
  if (training) {
    step = build_backward(std::move(step.model), switches.enabled("deferred-gradient"));
    step = rewrite_differentiated(std::move(step), switches, device, plan.passes);
    step = recompute(std::move(step), recompute_level);
  }
  plan.placement = place_values(plan.model.graph, switches, plan.twins);
  plan_blocks(plan, device);
  return plan;
}

bool is_free(const StepPlan& plan, const Node& node) {
  const std::vector<AliasRule> rules = node.op->alias_rules(plan.model.graph, node);
  return !rules.empty() && std::all_of(rules.begin(), rules.end(), [&](const AliasRule& rule) {
    const Place& output = plan.placement.places[rule.output];
    const Place& input = plan.placement.places[rule.input];
    if (output.storage != input.storage) {
      return false;
    }
    switch (rule.kind) {
      case AliasRule::Kind::view:
        return output.channel_offset == input.channel_offset + rule.channel_offset;
      case AliasRule::Kind::holds:
        return input.channel_offset == output.channel_offset + rule.channel_offset;
      default:
        return false;
    }
  });
}

std::int64_t bytes_moved(const StepPlan& plan) {
  const Graph& graph = plan.model.graph;
  std::int64_t sum = 0;
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    sum += is_free(plan, graph.node(id)) ? 0 : cost(graph, graph.node(id)).bytes;
  }
  return sum;
}

MemoryBreakdown memory_breakdown(const StepPlan& plan) {
  const std::vector<PurposefulBlock> blocks = blocks_by_purpose(plan);
  return alive_at(plan, blocks, fullest_node(plan, blocks));
}

}  // namespace accrete
