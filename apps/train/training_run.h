// SPDX-License-Identifier: Apache-2.0
// A run from spec to final weights.
#pragma once

#include "run_start.h"

namespace accrete::apps {

/// Runs a prepared run on a device, to the end or to an interruption, as run_training does.
int run_training_loop(PreparedRun run, DeviceRuntime& runtime);

/// Runs to the end, to an interruption or to an error. Returns the exit code; errors are thrown.
int run_training(const TrainOptions& options);

}  // namespace accrete::apps
