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

/// What one pass did.
struct PassReport {
  std::string name;
  std::int32_t nodes_before = 0, nodes_after = 0;
  std::vector<std::string> notes;  ///< where the pattern almost stood, and why it was left alone
};

/// Applies every enabled pass that rewrites the forward graph, before build_backward.
ModelGraph rewrite_forward(const ModelGraph& model, const PassSwitches& switches,
                           std::vector<PassReport>& reports);

}  // namespace accrete
