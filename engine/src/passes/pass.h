// SPDX-License-Identifier: Apache-2.0
// The rewrite passes, one per file. Each takes a graph and returns it rewritten; where its pattern
// almost stands it leaves the graph as it is and says why in `notes`.
#pragma once

#include <string>
#include <vector>

#include "accrete/engine/autograd.h"
#include "accrete/engine/passes.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete {

using PassNotes = std::vector<std::string>;

/// Whether a node has a weight, and one that covers a single pixel.
inline bool has_pointwise_weight(const Graph& graph, const Node& node) {
  const ValueId weight = node.inputs[Slot::weight];
  return weight != kNoValue && graph.value(weight).type.shape.h == 1 &&
         graph.value(weight).type.shape.w == 1;
}

// Forward graphs.

/// ReLU whose only input is a batch norm without other readers: one op.
ModelGraph fuse_batch_norm_relu(const ModelGraph& model, PassNotes& notes);
/// Average pooling behind a 1x1 convolution: the pooling first.
ModelGraph pool_before_pointwise(const ModelGraph& model, PassNotes& notes);
/// Batch norm: the statistics of each feature once, then scale, shift and, where one follows, ReLU.
ModelGraph statistics_once(const ModelGraph& model, PassNotes& notes);
/// Scale, shift and ReLU read by one op that can apply them while it loads.
ModelGraph normalise_on_load(const ModelGraph& model, PassNotes& notes);
/// Statistics of a value whose producer can take them.
ModelGraph statistics_in_epilogue(const ModelGraph& model, PassNotes& notes);

// Behind reverse mode.

/// Gradients of the weights and of the data of a convolution that reads through NormRelu: one op.
DifferentiatedModel pair_gradients(const DifferentiatedModel& from);
/// Gradients that are known to be zero: one fill.
DifferentiatedModel zero_gradients_once(const DifferentiatedModel& from);
/// Trading time for memory: forward values that the backward pass reads are computed again there
/// instead of being kept. Level 1 drops the outputs of 1x1
/// convolutions that read through NormRelu (bottlenecks) and computes each again in front of its
/// first backward reader; level 2 also drops all feature buffers, and computes one again as a whole
/// when the backward pass enters its block. Statistics are kept, random numbers are functions of
/// the step: the same bits come out.
DifferentiatedModel recompute(DifferentiatedModel from, int level);
/// The passes behind reverse mode that are switched on and worth something on the device.
DifferentiatedModel rewrite_differentiated(DifferentiatedModel model, const PassSwitches& switches,
                                           Device device, std::vector<PassReport>& reports);

}  // namespace accrete
