// SPDX-License-Identifier: Apache-2.0
// The launches of a step of a published net, recorded by the host executor and never run: no tensor
// needs memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accrete/engine/step_plan.h"
#include "accrete/kernels/stream.h"
#include "accrete/models/model.h"
#include "simt/executor.h"

namespace accrete::test {

struct PublishedNet {
  std::string name;
  models::ModelSpec spec;
  models::ImageBatch images;  ///< 256 of the size that the net is known for
};

/// Those of every preset.
std::vector<PublishedNet> published_nets();

/// The step that a GPU runs.
std::shared_ptr<const StepPlan> plan_of(const PublishedNet& net, DType dtype, bool training);

/// What it launches, and with it, in training, the update by SGD with momentum. Products of f32
/// tensors are computed as `math` says.
std::vector<simt::Grid> recorded_launches(const std::shared_ptr<const StepPlan>& plan,
                                          FloatMath math, bool training);

}  // namespace accrete::test
