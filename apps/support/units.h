// SPDX-License-Identifier: Apache-2.0
// Units of what the programs print.
#pragma once

#include <cstdint>

namespace accrete::apps {

inline double mebibytes(std::int64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

}  // namespace accrete::apps
