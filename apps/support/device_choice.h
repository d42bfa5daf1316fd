// SPDX-License-Identifier: Apache-2.0
// The --device flag.
#pragma once

#include <string>

namespace accrete::apps {

/// Checks "auto", "cpu" or "cuda:N" against what this build can run. Returns a sentence for the
/// user when auto had to fall back, else nothing. Error(invalid_argument) for other words,
/// Error(unsupported) for a GPU that cannot be used.
std::string choose_device(const std::string& name);

}  // namespace accrete::apps
