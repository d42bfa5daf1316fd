// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/checkpoint.h"

#include <algorithm>
#include <utility>

#include "accrete/engine/safetensors.h"
#include "accrete/kernels/error.h"
#include "checkpoint_metadata.h"
#include "tensor_file.h"

namespace accrete {
namespace {

// Rounded copies follow from the parameters.
std::vector<const StoredTensor*> saved_tensors(const ParameterStore& store) {
  std::vector<const StoredTensor*> tensors;
  for (const StoredTensor& tensor : store.tensors()) {
    if (tensor.kind != ValueKind::rounded) {
      tensors.push_back(&tensor);
    }
  }
  return tensors;
}

std::vector<const StoredTensor*> weights_of(const ParameterStore& store) {
  std::vector<const StoredTensor*> tensors = saved_tensors(store);
  tensors.erase(
      std::remove_if(tensors.begin(), tensors.end(),
                     [](const StoredTensor* tensor) { return is_optimizer_state(tensor->name); }),
      tensors.end());
  return tensors;
}

// A file of NaNs would push good ones out, and cannot be loaded again.
void require_finite(const std::string& path, const ParameterStore& store) {
  const StoredTensor* tensor = store.first_not_finite();
  if (tensor != nullptr) {
    throw Error(ErrorCode::diverged,
                tensor->name + " holds numbers that are NaN or infinite; " + path +
                    " was not written. Lower /training/optimizer/learning_rate or add warm-up");
  }
}

}  // namespace

void save_checkpoint(const std::string& path, const ParameterStore& store,
                     const TrainingProgress& progress, const std::string& fingerprint) {
  require_finite(path, store);
  SafetensorsFile file{metadata_of(progress, fingerprint), {}};
  for (const StoredTensor* tensor : saved_tensors(store)) {
    file.arrays.push_back(to_file(*tensor));
  }
  seal(file);
  write_safetensors(path, file);
}

Checkpoint::Checkpoint(std::string path) : path_(std::move(path)), file_(read_safetensors(path_)) {
  check_metadata(path_, file_.metadata);
  check_tensors(path_, file_);
  progress_ = progress_of(path_, file_.metadata);
}

void Checkpoint::require_fingerprint(const std::string& fingerprint) const {
  check_fingerprint(path_, file_.metadata, fingerprint);
}

void Checkpoint::restore(const ParameterStore& store) && {
  TensorFile(path_, std::move(file_)).restore(saved_tensors(store));
}

TrainingProgress load_checkpoint(const std::string& path, const ParameterStore& store,
                                 const std::string& fingerprint) {
  Checkpoint checkpoint(path);
  checkpoint.require_fingerprint(fingerprint);
  TrainingProgress progress = checkpoint.progress();
  std::move(checkpoint).restore(store);
  return progress;
}

void save_weights(const std::string& path, const ParameterStore& store) {
  require_finite(path, store);
  SafetensorsFile file;
  file.metadata = {{"format", "pt"}};
  for (const StoredTensor* tensor : weights_of(store)) {
    file.arrays.push_back(to_file(*tensor));
  }
  write_safetensors(path, file);
}

void load_weights(const std::string& path, const ParameterStore& store,
                  const std::vector<LayerAlias>& aliases) {
  TensorFile file(path, read_safetensors(path), aliases);
  file.leave_out_optimizer_state();
  file.restore(weights_of(store));
}

}  // namespace accrete
