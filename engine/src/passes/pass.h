// SPDX-License-Identifier: Apache-2.0
// The rewrite passes, one per file. Each takes a forward graph and returns it rewritten; where its
// pattern almost stands it leaves the graph as it is and says why in `notes`.
#pragma once

#include <string>
#include <vector>

#include "accrete/engine/model_graph.h"

namespace accrete {

using PassNotes = std::vector<std::string>;

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

}  // namespace accrete
