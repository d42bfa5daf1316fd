// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/executor.h"

#include <algorithm>
#include <chrono>

#include "accrete/kernels/error.h"

namespace accrete {

Executor::Executor(std::shared_ptr<const StepPlan> plan, const ParameterStore& store,
                   std::byte* base, Device device)
    : plan_(std::move(plan)) {
  bind_views(store, base, device);
  bind_calls(base);
}

void Executor::bind_views(const ParameterStore& store, std::byte* base, Device device) {
  const Graph& graph = plan_->model.graph;
  views_ = Table<TensorView>(graph.num_values());
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    const Value& value = graph.value(id);
    const Place place = plan_->placement.places[id];
    if (place.storage < 0) {
      continue;
    }
    const Storage& storage = plan_->placement.storage_of(id);
    if (storage.persistent) {
      const StoredTensor* tensor = store.find(value.name);
      if (tensor == nullptr || tensor->shape != value.type.shape) {
        throw Error(ErrorCode::internal, "[executor] no tensor " + value.name + " " +
                                             to_string(value.type.shape) + " in the store");
      }
      views_[id] = tensor->view;
      continue;
    }
    const TensorView whole(base + plan_->storage_offsets[static_cast<std::size_t>(place.storage)],
                           value.type.shape, storage.pitch, value.type.dtype, device);
    views_[id] = whole.channels(place.channel_offset, value.type.shape.c);
  }
}

std::int64_t Executor::end_of(ValueId value) const {
  const Place place = plan_->placement.places[value];
  const Storage& storage = plan_->placement.storage_of(value);
  if (storage.persistent) {
    return 0;
  }
  const std::int64_t end =
      plan_->storage_offsets[static_cast<std::size_t>(place.storage)] + storage.bytes();
  return (end + kPlanAlignment - 1) / kPlanAlignment * kPlanAlignment;
}

Executor::Call Executor::bound(const Node& node) const {
  Call call{&node, {}, {}, {}, 0};
  std::vector<TensorView> views;
  for (const Operands* operands : {&node.inputs, &node.outputs}) {
    for (const auto& [slot, value] : *operands) {
      views.push_back(view(value));
      call.end_bytes = std::max(call.end_bytes, end_of(value));
    }
  }
  call.run = node.op->bind(Tensors(node, views.data()));
  for (const auto& [slot, value] : node.outputs) {
    if (node.accumulates(slot) && view(node.inputs[slot]).data != view(value).data) {
      call.sums.push_back({view(node.inputs[slot]), view(value)});
    }
  }
  return call;
}

void Executor::bind_calls(std::byte* base) {
  const Graph& graph = plan_->model.graph;
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    if (is_free(*plan_, node)) {
      continue;
    }
    Call call = bound(node);
    const std::int64_t bytes = plan_->workspace_bytes[id];
    if (bytes > 0) {
      const std::int64_t offset = plan_->workspace_offsets[id];
      call.workspace = {base + offset, static_cast<std::size_t>(bytes)};
      const std::int64_t end =
          (offset + bytes + kPlanAlignment - 1) / kPlanAlignment * kPlanAlignment;
      call.end_bytes = std::max(call.end_bytes, end);
    }
    calls_.push_back(std::move(call));
  }
}

bool Executor::replayable() const {
  return std::none_of(calls_.begin(), calls_.end(),
                      [](const Call& call) { return call.node->op->varies_by_step(); });
}

void Executor::run(const Stream& stream, std::uint64_t seed, std::uint64_t step) {
  bytes_copied_ = 0;
  const RunContext context{stream, seed, step, &bytes_copied_};
  for (const Call& call : calls_) {
    run_call(context, call);
  }
}

const char* Executor::run_call(const RunContext& context, const Call& call) {
  high_water_bytes_ = std::max(high_water_bytes_, call.end_bytes);
  for (const kernels::Copy& sum : call.sums) {
    run_counted(context, sum);
  }
  return call.run(context, call.workspace);
}

void Executor::run_profiled(DeviceRuntime& runtime, const Stream& stream, std::uint64_t seed,
                            std::uint64_t step, StepProfile& profile) {
  using Clock = std::chrono::steady_clock;
  bytes_copied_ = 0;
  const RunContext context{stream, seed, step, &bytes_copied_};
  for (const Call& call : calls_) {
    runtime.synchronize();
    const auto start = Clock::now();
    const char* implementation = run_call(context, call);
    runtime.synchronize();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    OpProfile& sum = profile[{call.node->op_name(), implementation}];
    const kernels::Cost moved = cost(plan_->model.graph, *call.node);
    sum.seconds += seconds;
    ++sum.calls;
    sum.bytes += moved.bytes;
    sum.macs += moved.macs;
  }
}

}  // namespace accrete
