// SPDX-License-Identifier: Apache-2.0
// The folder a run leaves behind, and the only object that writes there: config.json, build.json,
// metrics.jsonl, timing.jsonl, checkpoints/, model.safetensors. A checkpoint is what the run has
// reached; all else is made to agree with it when the run goes on. docs/reliability.md has the
// promises.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/engine/checkpoint.h"
#include "metrics.h"
#include "run_files.h"

namespace accrete::apps {

/// Looks at a folder that a run is to have, before it has it, and changes nothing.
/// Error(invalid_argument) if the path has control characters, if a run lives there, or if it holds
/// results of one and `may_hold_results` is false.
void check_output(const std::string& path, bool may_hold_results);

class RunFolder {
 public:
  /// The folder at `path`, created where there is none, for this process alone until the object
  /// ends. What a killed run has left half-written is removed. Error(invalid_argument) if a run
  /// lives there, Error(io) if it cannot be written. `keep` older checkpoints are kept beside the
  /// newest and the best.
  static RunFolder at(const std::string& path, std::int64_t keep);
  /// A new one, "runs/<name>-<date>-<time>", with a number behind it where that exists.
  static RunFolder create(const std::string& name, std::int64_t keep);
  ~RunFolder() = default;
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::string& path() const { return path_; }
  const CheckpointFolder& checkpoints() const { return checkpoints_; }
  std::string weights() const;
  /// Whether another run that is started there would be refused.
  bool is_locked() const { return lock_.works(); }
  /// Error(invalid_argument) if a run has left results here.
  void require_no_results() const;

  /// A checkpoint of this folder is damaged: it goes when a good one has been saved, and counts for
  /// nothing until then.
  void pass_over(const std::string& checkpoint) { passed_over_.push_back(checkpoint); }
  /// Makes everything agree with a run that has come to `progress`, whose resolved spec is `spec`.
  /// Returns what a user should know of.
  std::vector<std::string> begin(const TrainingProgress& progress, const std::string& spec) const;
  /// Adds an epoch to the logs.
  void append(const EpochMetrics& metrics, const EpochTiming& timing) const;
  /// Saves a checkpoint, also as the best one if its last epoch is that, and then removes those
  /// that were passed over and older ones than are kept. What has just been saved stays.
  void save(const ParameterStore& store, const TrainingProgress& progress,
            const std::string& fingerprint);
  /// Writes what the run has learned, at its end.
  void save_weights(const ParameterStore& store) const;

  /// Removes checkpoints beyond `progress`; begin() does so with the lines of logs.
  void give_up_beyond(const TrainingProgress& progress) const;
  /// Removes all that a run has left here.
  void give_up_results() const;

 private:
  // Removes what it has created if nothing has been put there. Ends after the lock.
  class EmptyFolder {
   public:
    EmptyFolder(std::string path, bool created) : path_(std::move(path)), created_(created) {}
    ~EmptyFolder();
    EmptyFolder(const EmptyFolder&) = delete;
    EmptyFolder& operator=(const EmptyFolder&) = delete;

   private:
    std::string path_;
    bool created_;
  };

  RunFolder(std::string path, bool created, std::int64_t keep);
  void remove_temporaries() const;
  void keep_best(const TrainingProgress& progress) const;

  std::string path_;
  std::int64_t keep_;
  EmptyFolder unless_used_;
  RunLock lock_;
  CheckpointFolder checkpoints_;
  EpochLog metrics_;
  EpochLog timing_;
  std::vector<std::string> passed_over_;
};

}  // namespace accrete::apps
