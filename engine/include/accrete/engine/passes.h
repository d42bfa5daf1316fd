// SPDX-License-Identifier: Apache-2.0
// Graph rewrites and memory-sharing decisions that can be switched off one by one, so that every
// optimisation can be compared with the plain computation on any model.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "accrete/engine/graph.h"

namespace accrete {

struct PassInfo {
  const char* name;
  const char* description;
};

/// All passes, in the order they are applied.
const std::vector<PassInfo>& all_passes();

/// Which passes are off. Default: none.
class PassSwitches {
 public:
  /// Error(invalid_argument) listing the known names if there is no such pass.
  void disable(const std::string& name);
  void disable_all();
  bool enabled(const char* name) const { return disabled_.count(name) == 0; }

 private:
  std::set<std::string> disabled_;
};

/// "fuse-batch-norm-relu": a ReLU that is the only reader of a batch norm becomes part of it, which
/// saves its passes over memory forward and backward. Returns how many were fused. Applied to the
/// forward graph, before build_backward.
int fuse_batch_norm_relu(Graph& graph);

/// Applies every enabled pass that rewrites the graph.
void rewrite_forward(Graph& graph, const PassSwitches& switches);

}  // namespace accrete
