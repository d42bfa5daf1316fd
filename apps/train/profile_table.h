// SPDX-License-Identifier: Apache-2.0
// The table of --profile.
#pragma once

#include "accrete/engine/executor.h"

namespace accrete::apps {

/// Prints a row per kind of op, the costliest first, with the rates it reached.
void print_profile(const StepProfile& profile);

}  // namespace accrete::apps
