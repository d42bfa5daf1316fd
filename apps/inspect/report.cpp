// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <cstdio>

#include "accrete/engine/op.h"
#include "accrete/kernels/checked_size.h"
#include "accrete/kernels/error.h"
#include "program.h"
#include "run_setup.h"

namespace accrete::apps {
namespace {

// 1234567 -> "1,234,567".
std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  for (std::int64_t i = static_cast<std::int64_t>(digits.size()) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<std::size_t>(i), ",");
  }
  return digits;
}

std::int64_t node_parameters(const Graph& graph, const Node& node) {
  std::int64_t count = 0;
  for (const auto& [slot, input] : node.inputs) {
    const Value& value = graph.value(input);
    const bool counts = value.kind == ValueKind::parameter || value.kind == ValueKind::rounded;
    count += counts ? value.type.shape.elements() : 0;
  }
  return count;
}

struct Totals {
  std::int64_t parameters = 0;
  std::int64_t running_statistics = 0;
  CheckedSize macs = 0;
};

// The forward graph of one image, as the model builder wrote it.
Totals print_layers(const Graph& graph) {
  Totals totals;
  std::printf("%-44s %-30s %-18s %12s %14s\n", "layer", "op", "output [N,H,W,C]", "parameters",
              "MACs");
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    const std::int64_t parameters = node_parameters(graph, node);
    const std::int64_t macs = cost(graph, node).macs;
    totals.parameters += parameters;
    totals.macs += macs;
    std::printf("%-44s %-30s %-18s %12s %14s\n", node.name.c_str(), node.op_name().c_str(),
                to_string(graph.value(node.outputs.front().value).type.shape).c_str(),
                parameters > 0 ? grouped(parameters).c_str() : "",
                macs > 0 ? grouped(macs).c_str() : "");
  }
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    const Value& value = graph.value(id);
    totals.running_statistics += value.kind == ValueKind::state ? value.type.shape.elements() : 0;
  }
  return totals;
}

void print_totals(const Totals& totals, const models::RunSpec& spec) {
  std::printf("\nparameters               %s\n", grouped(totals.parameters).c_str());
  std::printf("with running statistics  %s\n",
              grouped(totals.parameters + totals.running_statistics).c_str());
  const std::int64_t macs = totals.macs.value_or_throw(
      ErrorCode::spec, "this net has more than 2^63 multiply-accumulates; make /model smaller");
  std::printf("MACs per image           %s (%.2f M)\n", grouped(macs).c_str(),
              static_cast<double>(macs) / 1e6);
  std::printf("smallest image           %lld x %lld\n",
              static_cast<long long>(models::minimum_image_size(spec.model)),
              static_cast<long long>(models::minimum_image_size(spec.model)));
}

void print_memory(const SessionPlan& plan) {
  std::int64_t parameters = 0;
  std::int64_t optimizer = 0;
  std::int64_t rounded = 0;
  for (const StoredTensor& tensor : plan.store.tensors()) {
    const bool is_optimizer = tensor.name.rfind("optimizer.", 0) == 0;
    const bool is_rounded = tensor.kind == ValueKind::rounded;
    (is_optimizer ? optimizer
     : is_rounded ? rounded
                  : parameters) +=
        tensor.shape.elements() * static_cast<std::int64_t>(dtype_bytes(tensor.dtype));
  }
  const auto& [largest_batch, step] = *plan.train.rbegin();
  const MemoryBreakdown sum = memory_breakdown(*step);
  std::printf("\nmemory plan for batch %lld, recompute level %d (MiB)\n",
              static_cast<long long>(largest_batch), plan.recompute);
  const auto row = [](const char* name, std::int64_t bytes) {
    std::printf("  %-34s %10.1f\n", name, mebibytes(bytes));
  };
  row("parameters and running statistics", parameters);
  row("optimizer state", optimizer);
  row("bf16 copies of the weights", rounded);
  row("feature buffers", sum.feature_buffers);
  row("other activations", sum.activations);
  row("activation gradients", sum.activation_gradients);
  row("parameter gradients", sum.parameter_gradients);
  row("workspace", sum.workspace);
  std::printf("  the step is fullest at %s (batch %lld)\n", sum.peak_node.c_str(),
              static_cast<long long>(largest_batch));
  row("fragmentation and alignment", step->memory.peak_bytes - sum.feature_buffers -
                                         sum.activations - sum.activation_gradients -
                                         sum.parameter_gradients - sum.workspace);
  row("evaluation beyond that", plan.step_bytes - step->memory.peak_bytes);
  std::printf("  %-34s %10.1f  (%s bytes)\n", "peak", mebibytes(plan.total_bytes()),
              grouped(plan.total_bytes()).c_str());
  std::printf("bytes moved per step     %s (%.1f MiB per image)\n",
              grouped(bytes_moved(*step)).c_str(),
              mebibytes(bytes_moved(*step)) / static_cast<double>(largest_batch));
}

}  // namespace

void print_report(const InspectOptions& options) {
  const models::RunSpec spec = models::load_run_spec(options.spec_path, options.overrides);
  const auto [shape, note] = preview_dataset(spec);
  const ModelBuilder builder = model_builder(spec, shape);
  SessionOptions session = session_options(spec, shape, options.passes);
  session.device = options.device;
  if (options.graph != GraphFormat::none) {
    const std::int64_t batch = session.train_batches.front();
    print_graphs(builder(batch, true),
                 plan_step(builder(batch, true), true, options.passes, options.device,
                           plan_run(spec, builder, session).recompute),
                 options.device, options.graph);
    return;
  }
  const ModelGraph one_image = builder(1, false);
  const Totals totals = print_layers(one_image.graph);
  print_totals(totals, spec);
  check_expected_params(spec.model, totals.parameters);
  const SessionPlan plan = plan_run(spec, builder, session);
  session.recompute = plan.recompute;
  print_memory(plan);
  if (session.train_batches.front() < spec.training.batch_size) {
    std::printf("a batch holds %lld images at most, since the training set has no more\n",
                static_cast<long long>(session.train_batches.front()));
  }
  if (!note.empty()) {
    std::printf("%s\n", note.c_str());
  }
  if (options.budget_mib > 0) {
    std::printf("largest batch in %lld MiB    %lld\n", static_cast<long long>(options.budget_mib),
                static_cast<long long>(largest_batch(builder, session, options.budget_mib << 20)));
  }
}

}  // namespace accrete::apps
