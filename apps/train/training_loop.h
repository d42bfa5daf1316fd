// SPDX-License-Identifier: Apache-2.0
// The loop over epochs and batches: training, evaluation, checkpoints, metrics, progress.
#pragma once

#include "accrete/data/dataset.h"
#include "accrete/engine/training_session.h"
#include "accrete/models/run_spec.h"
#include "options.h"

namespace accrete::apps {

/// A run that has been checked and planned.
struct LoopInputs {
  TrainOptions options;
  models::RunSpec spec;
  data::TrainTest sets;
  SessionPlan plan;
  SessionOptions session;
};

/// Runs to the end or to an interruption and returns the exit code; errors are thrown.
int run_training_loop(LoopInputs inputs, DeviceRuntime& runtime);

}  // namespace accrete::apps
