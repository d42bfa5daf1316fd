// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "accrete/engine/op.h"

namespace accrete::apps {
namespace {

using Json = nlohmann::ordered_json;

std::string described(const Value& value) {
  return value.name + " " + to_string(value.type.shape) + " " + dtype_name(value.type.dtype);
}

std::string listed(const Graph& graph, const Operands& operands) {
  std::string text;
  for (const auto& [slot, id] : operands) {
    text += (text.empty() ? "" : ", ") + described(graph.value(id));
  }
  return text;
}

void print_text(const char* title, const Graph& graph) {
  std::printf("%s: %d nodes\n", title, graph.num_nodes());
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    std::printf("%5d  %s\n       %s\n         reads  %s\n         writes %s\n", id,
                node.op_name().c_str(), node.name.c_str(), listed(graph, node.inputs).c_str(),
                listed(graph, node.outputs).c_str());
  }
}

void print_passes(const StepPlan& plan) {
  std::printf("\npasses\n");
  for (const PassReport& report : plan.passes) {
    std::printf("  %-24s %4d -> %d nodes\n", report.name.c_str(), report.nodes_before,
                report.nodes_after);
    for (const std::string& note : report.notes) {
      std::printf("    %s\n", note.c_str());
    }
  }
  std::printf("\n");
}

// Edges are values; parameters and states would hide the structure and are left out.
void print_dot(const char* title, const Graph& graph) {
  std::printf("digraph \"%s\" {\n  node [shape=box, fontname=\"sans-serif\"];\n", title);
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    std::printf("  n%d [label=\"%s\\n%s\"];\n", id, node.name.c_str(), node.op_name().c_str());
    for (const auto& [slot, input] : node.inputs) {
      const Value& value = graph.value(input);
      if (value.producer != kNoNode) {
        std::printf("  n%d -> n%d [label=\"%s\"];\n", value.producer, id,
                    to_string(value.type.shape).c_str());
      }
    }
  }
  std::printf("}\n");
}

const char* kind_name(ValueKind kind) {
  switch (kind) {
    case ValueKind::input:
      return "input";
    case ValueKind::parameter:
      return "parameter";
    case ValueKind::state:
      return "state";
    case ValueKind::rounded:
      return "rounded";
    case ValueKind::intermediate:
      break;
  }
  return "intermediate";
}

Json value_json(const Value& value) {
  const Shape& shape = value.type.shape;
  return {{"name", value.name},
          {"kind", kind_name(value.kind)},
          {"dtype", dtype_name(value.type.dtype)},
          {"shape", {shape.n, shape.h, shape.w, shape.c}},
          {"bytes", value.type.bytes()}};
}

Json node_json(const Graph& graph, const Node& node) {
  const kernels::Cost least = cost(graph, node);
  return {{"op", node.op_name()},
          {"name", node.name},
          {"inputs", node.inputs.values()},
          {"outputs", node.outputs.values()},
          {"macs", least.macs},
          {"bytes_moved", least.bytes}};
}

Json graph_json(const Graph& graph) {
  Json values = Json::array();
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    values.push_back(value_json(graph.value(id)));
  }
  Json nodes = Json::array();
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    nodes.push_back(node_json(graph, graph.node(id)));
  }
  return {{"values", std::move(values)}, {"nodes", std::move(nodes)}};
}

// The step with what only its plan knows: where values lie, and which nodes have nothing to do.
Json step_json(const StepPlan& plan) {
  const Graph& graph = plan.model.graph;
  Json step = graph_json(graph);
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    const Place place = plan.placement.places[id];
    if (place.storage >= 0) {
      Json& value = step["values"][static_cast<std::size_t>(id)];
      value["storage"] = place.storage;
      value["channel_offset"] = place.channel_offset;
      value["pitch"] = plan.placement.storage_of(id).pitch;
    }
  }
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    Json& node = step["nodes"][static_cast<std::size_t>(id)];
    node["workspace_bytes"] = plan.workspace_bytes[id];
    if (is_free(plan, graph.node(id))) {
      node["free"] = true;
      node["bytes_moved"] = 0;
    }
  }
  step["bytes_moved"] = bytes_moved(plan);
  return step;
}

void print_json(const Graph& before, const StepPlan& plan, Device device) {
  Json passes = Json::array();
  for (const PassReport& report : plan.passes) {
    passes.push_back({{"name", report.name},
                      {"nodes_before", report.nodes_before},
                      {"nodes_after", report.nodes_after},
                      {"notes", report.notes}});
  }
  const Json document = {{"format", "accrete graph"},
                         {"version", 1},
                         {"device", device.kind == DeviceKind::cuda ? "cuda" : "cpu"},
                         {"passes", std::move(passes)},
                         {"forward", graph_json(before)},
                         {"step", step_json(plan)}};
  std::printf("%s\n", document.dump(1).c_str());
}

}  // namespace

void print_graphs(const ModelGraph& before, const StepPlan& plan, Device device,
                  GraphFormat format) {
  if (format == GraphFormat::json) {
    print_json(before.graph, plan, device);
  } else if (format == GraphFormat::dot) {
    print_dot("before the passes", before.graph);
    print_dot("step", plan.model.graph);
  } else if (format == GraphFormat::text) {
    print_text("forward graph before the passes", before.graph);
    print_passes(plan);
    print_text("step", plan.model.graph);
  }
}

}  // namespace accrete::apps
