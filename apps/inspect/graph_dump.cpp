// SPDX-License-Identifier: Apache-2.0
#include "graph_dump.h"

#include <cstdio>
#include <string>

#include "accrete/engine/op.h"

namespace accrete::apps {
namespace {

std::string described(const Value& value) {
  return value.name + " " + to_string(value.type.shape) + " " + dtype_name(value.type.dtype);
}

std::string listed(const Graph& graph, const std::vector<ValueId>& values) {
  std::string text;
  for (const ValueId id : values) {
    text += (text.empty() ? "" : ", ") + described(graph.value(id));
  }
  return text;
}

void print_text(const char* title, const Graph& graph) {
  std::printf("%s: %d nodes\n", title, graph.num_nodes());
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    std::printf("%5d  %s\n       %s\n         reads  %s\n         writes %s\n", id,
                node.op->name().c_str(), node.name.c_str(), listed(graph, node.inputs).c_str(),
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
    std::printf("  n%d [label=\"%s\\n%s\"];\n", id, node.name.c_str(), node.op->name().c_str());
    for (const ValueId input : node.inputs) {
      const Value& value = graph.value(input);
      if (value.producer != kNoNode) {
        std::printf("  n%d -> n%d [label=\"%s\"];\n", value.producer, id,
                    to_string(value.type.shape).c_str());
      }
    }
  }
  std::printf("}\n");
}

}  // namespace

void print_graphs(const ModelGraph& before, const StepPlan& plan, GraphFormat format) {
  if (format == GraphFormat::dot) {
    print_dot("before the passes", before.graph);
    print_dot("step", plan.model.graph);
  } else if (format == GraphFormat::text) {
    print_text("forward graph before the passes", before.graph);
    print_passes(plan);
    print_text("step", plan.model.graph);
  }
}

}  // namespace accrete::apps
