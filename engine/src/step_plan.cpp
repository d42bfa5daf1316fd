// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/step_plan.h"

#include <algorithm>

#include "accrete/engine/op.h"
#include "passes/pass.h"
#include "passes/recompute.h"

namespace accrete {
namespace {

// Everything behind the loss belongs to the backward pass.
NodeId first_backward_node(const ModelGraph& model) {
  return model.graph.value(model.loss).producer + 1;
}

// From the first write to the last read of anything in the storage. Inputs are written before the
// run, outputs are read after it.
Lifetime storage_lifetime(const Graph& graph, const Storage& storage,
                          const std::vector<std::vector<NodeId>>& readers) {
  Lifetime life{graph.num_nodes(), -1, storage.bytes()};
  for (const ValueId id : storage.values) {
    const Value& value = graph.value(id);
    const std::int64_t written = value.kind == ValueKind::input ? -1 : value.producer;
    life.first = std::min<std::int64_t>(life.first, written);
    life.last = std::max<std::int64_t>(life.last, written);
    const auto& used = readers[static_cast<std::size_t>(id)];
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
  plan.workspace_offsets.assign(static_cast<std::size_t>(graph.num_nodes()), -1);
  plan.workspace_bytes.assign(static_cast<std::size_t>(graph.num_nodes()), 0);
  for (std::size_t i = 0; i < plan.placement.storages.size(); ++i) {
    const Storage& storage = plan.placement.storages[i];
    if (!storage.persistent) {
      blocks.push_back(storage_lifetime(graph, storage, readers));
      targets.push_back(&plan.storage_offsets[i]);
    }
  }
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    const auto index = static_cast<std::size_t>(id);
    plan.workspace_bytes[index] =
        static_cast<std::int64_t>(node.op->workspace_bytes(graph.input_types(node), device));
    if (plan.workspace_bytes[index] > 0) {
      blocks.push_back({id, id, plan.workspace_bytes[index]});
      targets.push_back(&plan.workspace_offsets[index]);
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
    if (graph.value(id).producer >= first_backward_node && !graph.value(id).again) {
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
  sum.workspace = plan.workspace_bytes[static_cast<std::size_t>(at)];
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
  plan.model = rewrite_forward(model, switches, plan.passes);
  if (training) {
    auto gradients =
        build_backward(plan.model.graph, plan.model.loss, switches.enabled("deferred-gradient"));
    const NodeId first_backward = first_backward_node(plan.model);
    DifferentiatedModel differentiated = rewrite_differentiated(
        {std::move(plan.model), std::move(gradients)}, switches, device, plan.passes);
    differentiated = recompute(differentiated, first_backward, recompute_level);
    plan.model = std::move(differentiated.model);
    plan.gradients = std::move(differentiated.gradients);
  }
  plan.placement = place_values(plan.model.graph, switches);
  plan_blocks(plan, device);
  return plan;
}

bool is_free(const StepPlan& plan, const Node& node) {
  const auto place = [&](const std::vector<ValueId>& values, std::int32_t index) {
    return plan.placement.places[static_cast<std::size_t>(values[static_cast<std::size_t>(index)])];
  };
  const std::vector<AliasRule> rules = node.op->alias_rules();
  return !rules.empty() && std::all_of(rules.begin(), rules.end(), [&](const AliasRule& rule) {
    const Place output = place(node.outputs, rule.output);
    const Place input = place(node.inputs, rule.input);
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
    const Node& node = graph.node(id);
    if (!is_free(plan, node)) {
      sum += node.op->bytes_moved(graph.input_types(node), graph.output_types(node));
    }
  }
  return sum;
}

MemoryBreakdown memory_breakdown(const StepPlan& plan) {
  const std::vector<PurposefulBlock> blocks = blocks_by_purpose(plan);
  return alive_at(plan, blocks, fullest_node(plan, blocks));
}

}  // namespace accrete
