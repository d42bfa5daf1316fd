// SPDX-License-Identifier: Apache-2.0
// A run from spec to final weights.
#pragma once

#include "options.h"

namespace accrete::apps {

/// Runs to the end, to an interruption or to an error. Returns the exit code; errors are thrown.
int run_training(const TrainOptions& options);

}  // namespace accrete::apps
