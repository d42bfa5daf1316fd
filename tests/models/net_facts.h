// SPDX-License-Identifier: Apache-2.0
// What the tests of every family ask of nets.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "accrete/engine/graph.h"
#include "accrete/engine/op.h"
#include "support/catch.h"

namespace accrete::models {

/// The spec of the preset of this name.
template <class Preset>
auto spec_of(const std::vector<Preset>& presets, const std::string& name) {
  const auto found = std::find_if(presets.begin(), presets.end(),
                                  [&](const Preset& preset) { return preset.name == name; });
  REQUIRE(found != presets.end());
  return found->spec;
}

inline std::int64_t total_macs(const Graph& graph) {
  std::int64_t macs = 0;
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& node = graph.node(id);
    macs += cost(graph, node).macs;
  }
  return macs;
}

}  // namespace accrete::models
