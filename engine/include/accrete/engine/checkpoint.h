// SPDX-License-Identifier: Apache-2.0
// Saving and restoring a training run: parameters, running statistics, optimizer state and where
// in the data the run stands. Contains no times or paths, so equal runs give equal bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "accrete/engine/parameter_store.h"

namespace accrete {

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
};

/// Writes everything in `store` and `progress` to one safetensors file, atomically. Convolution
/// weights are stored as OIHW and linear weights as [out,in], the order other frameworks use.
/// `fingerprint` identifies the resolved spec. Error(diverged) naming the first tensor that holds a
/// NaN or an infinity: then nothing is written.
void save_checkpoint(const std::string& path, const ParameterStore& store,
                     const TrainingProgress& progress, const std::string& fingerprint);

/// Restores a checkpoint into a bound store. Error(weights) if tensors are missing, unknown, of
/// another shape, NaN or infinite, if the progress is impossible (negative, more epochs or images
/// than a spec can ask for, sums that are not finite), or if the fingerprint differs (message says
/// how to start afresh). On an error the store is as it was.
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

/// Checkpoint files of a folder: names, newest, pruning. Files of other names are left alone.
class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::string folder) : folder_(std::move(folder)) {}
  /// "<folder>/step_0000123.safetensors".
  std::string path_for(const TrainingProgress& progress) const;
  /// The checkpoint with the highest step, if there is any.
  std::optional<std::string> newest() const;
  /// Removes all but the newest `keep`.
  void prune(int keep) const;

 private:
  std::string folder_;
};

}  // namespace accrete
