// SPDX-License-Identifier: Apache-2.0
// Two rounds of training on random pixels, and all that came of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "accrete/models/run_spec.h"

namespace accrete::fuzz {

/// What may differ between two runs of a spec.
struct RunVariant {
  int threads = 1;
  int recompute = 0;
  bool passes = true;
  bool resumed = false;  ///< saved after the first round and restored in another session
};
std::string to_string(const RunVariant& variant);

struct ShortRun {
  std::vector<std::byte> bits;  ///< every loss, then parameters, statistics and optimizer state
  bool losses_finite = true;
  bool values_finite = true;
};

/// Nothing if the plan is larger than 256 MiB.
std::optional<ShortRun> short_run(const models::RunSpec& spec, const RunVariant& variant);

}  // namespace accrete::fuzz
