// SPDX-License-Identifier: Apache-2.0
// What a person watching a run sees: a bar that is redrawn on a terminal, plain lines elsewhere,
// and a table with one row per epoch, and the lines before and after.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "accrete/engine/checkpoint.h"
#include "epoch_metrics.h"

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

/// What is said before the first step.
struct RunIntroduction {
  std::string name;
  std::int64_t parameters = 0;
  std::int64_t train_images = 0, test_images = 0;
  std::string data_source;
  std::int64_t planned_bytes = 0;
  std::string folder;
  std::string weights_from;  ///< file of the weights it starts with; empty: new ones
  std::string resumed_from;  ///< checkpoint; empty for a fresh run
  std::int64_t resumed_step = 0;
  std::vector<std::string> notes;  ///< of what was found in the folder
};

/// What is said after the last one.
struct RunConclusion {
  std::int64_t peak_bytes = 0, planned_bytes = 0;
  std::int64_t bytes_copied = 0;  ///< for concat, slices and accumulation
  std::string folder;
  EpochMetrics last_epoch;
  BestEpoch best;               ///< with a metric if one is watched
  std::string best_checkpoint;  ///< its file
  double examples_per_second = 0.0;
  std::string device;
};

class Progress {
 public:
  explicit Progress(bool quiet);
  /// Notes are printed even when quiet.
  void introduce(const RunIntroduction& run);
  void step(const StepStatus& status);
  void epoch(const EpochMetrics& metrics, const EpochTiming& timing, std::int64_t epochs);
  void interrupted(std::int64_t step, const std::string& folder);
  /// The last two lines are printed even when quiet.
  void conclude(const RunConclusion& run);
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
