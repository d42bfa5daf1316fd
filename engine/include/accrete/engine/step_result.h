// SPDX-License-Identifier: Apache-2.0
// What a step reports.
#pragma once

#include <cstdint>

namespace accrete {

struct StepResult {
  double loss = 0.0;         ///< mean over the batch
  std::int64_t correct = 0;  ///< correct predictions in the batch
};

}  // namespace accrete
