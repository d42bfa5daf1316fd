// SPDX-License-Identifier: Apache-2.0
// The list of passes and their switches.
#include "accrete/engine/passes.h"

#include "accrete/kernels/error.h"

namespace accrete {

const std::vector<PassInfo>& all_passes() {
  static const std::vector<PassInfo> passes = {
      {"fuse-batch-norm-relu", "ReLU behind a batch norm is applied in the same pass"},
      {"placement", "concat is a placement in one feature buffer instead of a copy"},
      {"in-place", "element-wise ops and gradient accumulation overwrite their input"},
  };
  return passes;
}

void PassSwitches::disable(const std::string& name) {
  std::string known;
  for (const PassInfo& pass : all_passes()) {
    if (name == pass.name) {
      disabled_.insert(name);
      return;
    }
    known += known.empty() ? "" : ", ";
    known += pass.name;
  }
  throw Error(ErrorCode::invalid_argument,
              "there is no pass named '" + name + "'; the passes are " + known);
}

void PassSwitches::disable_all() {
  for (const PassInfo& pass : all_passes()) {
    disabled_.insert(pass.name);
  }
}

void rewrite_forward(Graph& graph, const PassSwitches& switches) {
  if (switches.enabled("fuse-batch-norm-relu")) {
    fuse_batch_norm_relu(graph);
  }
}

}  // namespace accrete
