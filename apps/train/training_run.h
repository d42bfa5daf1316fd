// SPDX-License-Identifier: Apache-2.0
// A run from spec to final weights.
#pragma once

#include "options.h"
#include "training_loop.h"

namespace accrete::apps {

/// Reads spec and data and plans the run for a device that is not touched.
LoopInputs prepare_run(const TrainOptions& options, const Device& device);

/// Runs to the end, to an interruption or to an error. Returns the exit code; errors are thrown.
int run_training(const TrainOptions& options);

}  // namespace accrete::apps
