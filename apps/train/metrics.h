// SPDX-License-Identifier: Apache-2.0
// The numbers of a run, and what a person watching it sees of them: a bar that is redrawn on a
// terminal, plain lines elsewhere, a table with one row per epoch, the lines before and after.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "accrete/engine/checkpoint.h"
#include "accrete/engine/executor.h"
#include "accrete/engine/training_session.h"
#include "accrete/models/run_spec.h"

namespace accrete::apps {

/// One line of metrics.jsonl. Equal runs have equal ones.
struct EpochMetrics {
  std::int64_t epoch = 0;  ///< finished epochs
  std::int64_t step = 0;   ///< finished optimizer steps
  double learning_rate = 0.0;
  double train_loss = 0.0;
  double train_accuracy = 0.0;
  double test_loss = 0.0;
  double test_accuracy = 0.0;
};

/// One line of timing.jsonl: what depends on the machine. Of an epoch that was interrupted, of the
/// part since the run went on.
struct EpochTiming {
  std::int64_t epoch = 0;  ///< finished epochs
  double examples_per_second = 0.0;
  double seconds = 0.0;  ///< training and test
  double data_wait_percent = 0.0;
};

/// Loss and accuracy over the images of an epoch.
struct EpochSums {
  double loss = 0.0;
  std::int64_t correct = 0;
  std::int64_t samples = 0;

  void add(const StepResult& result, std::int64_t batch) {
    loss += result.loss * static_cast<double>(batch);
    correct += result.correct;
    samples += batch;
  }
  double mean_loss() const { return loss / static_cast<double>(samples); }
  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(samples); }
};

/// How fast training steps go.
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

/// Makes the epoch that has `metrics` the best if it is better than `best`: a higher accuracy, a
/// lower loss. The earliest of equals stays. Returns whether it did; never for Metric::none.
bool take_if_best(models::Metric metric, const EpochMetrics& metrics, BestEpoch& best);

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

/// Says how a run goes, on standard output.
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

/// The table of --profile: a row per kind of op, the costliest first, with the rates it reached.
void print_profile(const StepProfile& profile);

}  // namespace accrete::apps
