// SPDX-License-Identifier: Apache-2.0
// The smallest run that has every kind of tensor in its checkpoint.
#pragma once

#include <memory>
#include <string>

#include "accrete/engine/training_session.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete::fuzz {

/// What its checkpoints must name.
inline const std::string kTinyFingerprint = "0123456789abcdef";

struct TinyRun {
  TinyRun();

  ThreadPool pool{1};
  std::unique_ptr<DeviceRuntime> runtime;
  std::unique_ptr<TrainingSession> session;
};

}  // namespace accrete::fuzz
