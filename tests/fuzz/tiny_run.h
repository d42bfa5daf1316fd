// SPDX-License-Identifier: Apache-2.0
// The smallest run that has every kind of tensor in its checkpoint.
#pragma once

#include <memory>
#include <string>

#include "accrete/engine/training_session.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete::fuzz {

/// What its checkpoints must name.
inline const std::string kTinyFingerprint = R"({"model":{"blocks":[1]},"seed":0})";

struct TinyRun {
  TinyRun();

  ThreadPool pool{1};
  std::unique_ptr<DeviceRuntime> runtime;
  std::unique_ptr<TrainingSession> session;
};

}  // namespace accrete::fuzz
