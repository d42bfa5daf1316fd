// SPDX-License-Identifier: Apache-2.0
// Saving and restoring a training run: parameters, running statistics, optimizer state and where
// in the data the run stands. Contains no times or paths, so equal runs give equal bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "accrete/engine/parameter_store.h"
#include "accrete/engine/safetensors.h"

namespace accrete {

/// The best finished epoch by one of a run's metrics.
struct BestEpoch {
  std::string metric;      ///< empty: none is watched
  std::int64_t epoch = 0;  ///< epochs finished with it; 0: none yet
  double value = 0.0;
};

/// The cursor of a run and the running sums of the epoch it is in.
struct TrainingProgress {
  std::int64_t epoch = 0;          ///< epochs finished
  std::int64_t step_in_epoch = 0;  ///< steps finished in the epoch after those
  std::int64_t global_step = 0;    ///< optimizer steps finished
  double loss_sum = 0.0;           ///< over the samples of the unfinished epoch
  std::int64_t correct = 0;
  std::int64_t samples = 0;
  double last_train_loss = 0.0;      ///< of the last finished epoch
  double last_train_accuracy = 0.0;  ///< of the last finished epoch
  BestEpoch best = {};
};

/// Writes everything in `store` and `progress` to one safetensors file, atomically, with CRC32C
/// sums of every tensor and of the progress. Convolution weights are stored as OIHW and linear
/// weights as [out,in], the order other frameworks use. `fingerprint` identifies the run: spec and
/// data, as the text of a JSON object, so that a mismatch can be named. Error(diverged) naming the
/// first tensor that holds a NaN or an infinity: then nothing is written.
void save_checkpoint(const std::string& path, const ParameterStore& store,
                     const TrainingProgress& progress, const std::string& fingerprint);

/// A checkpoint that has been read whole.
class Checkpoint {
 public:
  /// Error(io) if it cannot be read, Error(weights) if it is damaged: no usable safetensors file,
  /// other checksums than were written, progress that is impossible (negative, more epochs or
  /// images than a spec can ask for, sums that are not finite); also if it is no checkpoint at all.
  explicit Checkpoint(std::string path);

  const std::string& path() const { return path_; }
  const TrainingProgress& progress() const { return progress_; }
  /// Error(weights) if it is of a run with another fingerprint; the first differing key is named.
  void require_fingerprint(const std::string& fingerprint) const;
  /// Writes everything into a bound store. Error(weights) if tensors are missing, unknown, of
  /// another shape, NaN or infinite; the store is then as it was.
  void restore(const ParameterStore& store) &&;

 private:
  std::string path_;
  SafetensorsFile file_;
  TrainingProgress progress_;
};

/// Restores a checkpoint of the run with this fingerprint, with the errors of Checkpoint.
TrainingProgress load_checkpoint(const std::string& path, const ParameterStore& store,
                                 const std::string& fingerprint);

/// Writes parameters and running statistics only, for use elsewhere. Errors as of save_checkpoint.
void save_weights(const std::string& path, const ParameterStore& store);

/// A layer that files written elsewhere may name otherwise: "<in_files>.weight" is read where there
/// is no "<layer>.weight", and so on. Models name theirs; what is written is always `layer`.
struct LayerAlias {
  std::string layer;
  std::string in_files;
};

/// Reads parameters and running statistics, from such a file, a checkpoint, whose optimizer state
/// is left out, or PyTorch's, into a bound store. Error(weights) if tensors are missing, unknown,
/// of another shape, NaN or infinite; the store is then as it was.
void load_weights(const std::string& path, const ParameterStore& store,
                  const std::vector<LayerAlias>& aliases = {});

/// The checkpoints of a folder. Which is newest is decided by the step that each says it was saved
/// at, not by names or times of files.
class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::string folder) : folder_(std::move(folder)) {}

  struct Entry {
    std::string path;
    std::int64_t step = 0;  ///< that it was saved at; if it cannot be read, as its name says
    bool readable = true;   ///< its progress; the tensors are not looked at
    bool own = true;        ///< its name is the one that path_for() gives to what it says
  };

  const std::string& path() const { return folder_; }
  /// "<folder>/step_0000000123.safetensors".
  std::string path_for(const TrainingProgress& progress) const;
  /// "<folder>/best.safetensors", which is no entry and stays when others are removed.
  std::string best() const;
  /// The step that best() says it was saved at; none if it is not there or cannot be read.
  std::optional<std::int64_t> best_step() const;
  /// Files "step_<number>.safetensors", the newest first.
  std::vector<Entry> entries() const;
  /// The newest whose progress can be read, if there is any.
  std::optional<std::string> newest() const;
  /// Removes own ones older than `step`, but for the `keep` newest of them, or own ones beyond it,
  /// the newest first. One that cannot be removed is no error.
  void remove_older(std::int64_t step, std::int64_t keep) const;
  void remove_beyond(std::int64_t step) const;

 private:
  std::string folder_;
};

}  // namespace accrete
