// SPDX-License-Identifier: Apache-2.0
// The list of passes and their switches.
#include "accrete/engine/passes.h"

#include "accrete/kernels/error.h"
#include "passes/pass.h"

namespace accrete {

const std::vector<PassInfo>& all_passes() {
  static const std::vector<PassInfo> passes = {
      {"fuse-batch-norm-relu", "ReLU behind a batch norm is applied in the same pass"},
      {"pool-first", "average pooling behind a 1x1 convolution is done in front of it"},
      {"statistics-once", "each feature's batch statistics are computed once for all its readers"},
      {"normalise-on-load", "scale, shift and ReLU are applied by whoever loads the features"},
      {"statistics-in-epilogue", "statistics are taken by whoever writes the features"},
      {"deferred-gradient", "batch norm's share of a gradient is applied by whoever loads it"},
      {"zero-once", "gradients that are known to be zero share one fill"},
      {"paired-gradients", "on a GPU one launch computes both gradients of a convolution"},
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

ModelGraph rewrite_forward(const ModelGraph& model, const PassSwitches& switches,
                           std::vector<PassReport>& reports) {
  static constexpr struct {
    const char* name;
    ModelGraph (*rewrite)(const ModelGraph&, PassNotes&);
  } kRewrites[] = {{"fuse-batch-norm-relu", &fuse_batch_norm_relu},
                   {"pool-first", &pool_before_pointwise},
                   {"statistics-once", &statistics_once},
                   {"normalise-on-load", &normalise_on_load},
                   {"statistics-in-epilogue", &statistics_in_epilogue}};
  ModelGraph current = model;
  for (const auto& pass : kRewrites) {
    if (switches.enabled(pass.name)) {
      PassReport report{pass.name, current.graph.num_nodes(), 0, {}};
      current = pass.rewrite(current, report.notes);
      report.nodes_after = current.graph.num_nodes();
      reports.push_back(std::move(report));
    }
  }
  return current;
}

DifferentiatedModel rewrite_differentiated(DifferentiatedModel model, const PassSwitches& switches,
                                           Device device, std::vector<PassReport>& reports) {
  const bool gpu = device.kind == DeviceKind::cuda;
  const struct {
    const char* name;
    DifferentiatedModel (*rewrite)(const DifferentiatedModel&);
    bool worth_it;
  } rewrites[] = {{"zero-once", &zero_gradients_once, true},
                  // On the CPU the two gradients are computed one after the other in any case, and
                  // apart they can be told apart in a profile.
                  {"paired-gradients", &pair_gradients, gpu}};
  for (const auto& pass : rewrites) {
    if (pass.worth_it && switches.enabled(pass.name)) {
      PassReport report{pass.name, model.model.graph.num_nodes(), 0, {}};
      model = pass.rewrite(model);
      report.nodes_after = model.model.graph.num_nodes();
      reports.push_back(std::move(report));
    }
  }
  return model;
}

}  // namespace accrete
