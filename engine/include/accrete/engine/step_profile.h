// SPDX-License-Identifier: Apache-2.0
// Where the time of a step goes, by kind of op.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace accrete {

struct OpProfile {
  std::int64_t calls = 0;
  double seconds = 0.0;
  std::int64_t bytes = 0;  ///< that the calls had to move if no cache helped
  std::int64_t macs = 0;
};

/// By the name of the op.
using StepProfile = std::map<std::string, OpProfile>;

}  // namespace accrete
