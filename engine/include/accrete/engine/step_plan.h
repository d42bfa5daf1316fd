// SPDX-License-Identifier: Apache-2.0
// Everything about a run that is known before memory exists: the graph, where each value lies, the
// offsets in the arena, the workspace of each node.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/engine/autograd.h"
#include "accrete/engine/graph.h"
#include "accrete/engine/memory_plan.h"
#include "accrete/engine/passes.h"
#include "accrete/engine/placement.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete {

/// Of an evaluation step only the model of a DifferentiatedModel has anything in it.
struct StepPlan : DifferentiatedModel {
  std::vector<PassReport> passes;  ///< that were applied, in order
  Placement placement;
  MemoryPlan memory;
  std::vector<std::int64_t> storage_offsets;  ///< by StorageId; -1 for persistent storages
  Table<std::int64_t> workspace_offsets;      ///< -1 where none is needed
  Table<std::int64_t> workspace_bytes;
};

/// Rewrites the forward graph, appends the backward pass if `training`, and plans the memory.
/// `recompute` is a recompute level, kRecomputeLevels - 1 at most: 0 keeps what the backward pass
/// needs, 1 computes bottleneck outputs again layer by layer, 2 also the features of a block.
StepPlan plan_step(ModelGraph model, bool training, const PassSwitches& switches, Device device,
                   int recompute = 0);
constexpr int kRecomputeLevels = 3;

/// Whether a node has nothing to do when it runs: all it says is where its output lies, and that is
/// where its input lies. True of slices and concats that placement made free.
bool is_free(const StepPlan& plan, const Node& node);

/// Bytes that one step has to read and write if no cache helps (op.h).
std::int64_t bytes_moved(const StepPlan& plan);

/// Bytes by purpose at the moment the arena is fullest, for reports.
struct MemoryBreakdown {
  std::int64_t feature_buffers = 0;  ///< storages shared by several forward values
  std::int64_t activations = 0;      ///< other forward values
  std::int64_t activation_gradients = 0;
  std::int64_t parameter_gradients = 0;
  std::int64_t workspace = 0;
  std::string peak_node;  ///< where that is
};
MemoryBreakdown memory_breakdown(const StepPlan& plan);

}  // namespace accrete
