// SPDX-License-Identifier: Apache-2.0
// The folder a run leaves behind: config.json, metrics.jsonl, checkpoints/, model.safetensors.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

namespace accrete::apps {

/// One line of metrics.jsonl.
struct EpochMetrics {
  std::int64_t epoch = 0;  ///< finished epochs
  std::int64_t step = 0;   ///< finished optimizer steps
  double learning_rate = 0.0;
  double train_loss = 0.0;
  double train_accuracy = 0.0;
  double test_loss = 0.0;
  double test_accuracy = 0.0;
  double examples_per_second = 0.0;
  double seconds = 0.0;
  double data_wait_percent = 0.0;
};

class RunFolder {
 public:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}
  /// Creates the folder and its parts. Error(io) naming the path if it cannot be written.
  void create() const;

  const std::string& path() const { return path_; }
  std::string checkpoints() const { return path_ + "/checkpoints"; }
  std::string weights() const { return path_ + "/model.safetensors"; }

  /// The resolved spec, and which build ran it.
  void write_config(const std::string& resolved_spec) const;
  /// Appends one line, at once on disk. Lines of epochs after `metrics.epoch - 1` that an
  /// interrupted run left are dropped first when the run resumes (see resume_metrics_at).
  void append_metrics(const EpochMetrics& metrics) const;
  /// Keeps the metrics lines of the first `epochs` epochs only.
  void resume_metrics_at(std::int64_t epochs) const;

 private:
  std::string metrics_path() const { return path_ + "/metrics.jsonl"; }

  std::string path_;
};

/// "runs/<name>-<date>-<time>".
std::string default_run_folder(const std::string& name);

}  // namespace accrete::apps
