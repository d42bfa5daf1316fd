// SPDX-License-Identifier: Apache-2.0
// What a person watching a run sees: a bar that is redrawn on a terminal, plain lines elsewhere,
// and a table with one row per epoch.
#pragma once

#include <chrono>
#include <cstdint>

#include "run_folder.h"

namespace accrete::apps {

/// Running values of the epoch under way.
struct StepStatus {
  std::int64_t epoch = 0;  ///< of this one, from 1
  std::int64_t epochs = 0;
  std::int64_t step = 0;  ///< steps done in this epoch
  std::int64_t steps = 0;
  double loss = 0.0;
  double accuracy = 0.0;
  double examples_per_second = 0.0;
  double seconds_left = 0.0;  ///< of the whole run
};

class Progress {
 public:
  explicit Progress(bool quiet);
  void step(const StepStatus& status);
  void epoch(const EpochMetrics& metrics, std::int64_t epochs);
  /// Ends a half-drawn bar, so that other output starts on a line of its own.
  void clear();

 private:
  bool quiet_;
  bool terminal_;
  bool header_printed_ = false;
  bool bar_drawn_ = false;
  std::chrono::steady_clock::time_point last_drawn_;
};

}  // namespace accrete::apps
