// SPDX-License-Identifier: Apache-2.0
// How fast training steps go.
#pragma once

#include <cstdint>

namespace accrete::apps {

struct Pace {
  double busy_seconds = 0.0;  ///< copy, forward, backward and update; not waiting for data
  std::int64_t samples = 0;
  std::int64_t steps = 0;

  void add_step(std::int64_t batch) {
    samples += batch;
    ++steps;
  }
  /// 0 before the first step.
  double examples_per_second() const {
    return busy_seconds > 0.0 ? static_cast<double>(samples) / busy_seconds : 0.0;
  }
  /// Of steps like those so far; only behind the first.
  double seconds_for(std::int64_t more_steps) const {
    return busy_seconds / static_cast<double>(steps) * static_cast<double>(more_steps);
  }
};

}  // namespace accrete::apps
