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
#include "accrete/kernels/device.h"

namespace accrete {

/// A model's graph for one batch size, as a model builder returns it.
struct ModelGraph {
  Graph graph;
  ValueId images = kNoValue;   // input [N,H,W,C]; its dtype is that of all activations
  ValueId labels = kNoValue;   // input [N,1,1,1] i32
  ValueId loss = kNoValue;     // [1,1,1,1]
  ValueId correct = kNoValue;  // [1,1,1,1]
};

struct StepPlan {
  ModelGraph model;
  std::vector<ParameterGradient> gradients;  ///< empty for an evaluation step
  Placement placement;
  MemoryPlan memory;
  std::vector<std::int64_t> storage_offsets;    ///< by StorageId; -1 for persistent storages
  std::vector<std::int64_t> workspace_offsets;  ///< by NodeId; -1 where none is needed
  std::vector<std::int64_t> workspace_bytes;    ///< by NodeId
};

/// Rewrites the forward graph, appends the backward pass if `training`, and plans the memory.
StepPlan plan_step(ModelGraph model, bool training, const PassSwitches& switches, Device device);

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
