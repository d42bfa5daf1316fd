// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "accrete/engine/safetensors.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/finite.h"
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

// 17 significant digits restore a double exactly.
std::string exact(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.17g", value);
  return text;
}

// Reads the numbers of a checkpoint's metadata.
class MetadataReader {
 public:
  MetadataReader(const std::string& path, const SafetensorsFile& file) : path_(path), file_(file) {}

  /// A count from 0 to `most`.
  std::int64_t count(const char* key, std::int64_t most) const {
    const auto value = number<std::int64_t>(key);
    if (value < 0 || value > most) {
      fail(std::string("has an impossible '") + key + "', " + std::to_string(value));
    }
    return value;
  }

  double finite(const char* key) const {
    const auto value = number<double>(key);
    if (!is_finite(value)) {
      fail(std::string("has an impossible '") + key + "', which is NaN or infinite");
    }
    return value;
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorCode::weights, path_ + " is no checkpoint of a training run: its metadata " +
                                        why + "; go on from an earlier checkpoint");
  }

 private:
  template <class Number>
  Number number(const char* key) const {
    const auto found = file_.metadata.find(key);
    Number value{};
    if (found != file_.metadata.end()) {
      const std::string& text = found->second;
      const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (status == std::errc() && end == text.data() + text.size()) {
        return value;
      }
    }
    fail(std::string("has no number '") + key + "'");
  }

  const std::string& path_;
  const SafetensorsFile& file_;
};

// The limits of a spec, which keep products of these counts within 63 bits.
TrainingProgress read_progress(const MetadataReader& metadata) {
  constexpr std::int64_t kMostEpochs = 1'000'000;
  constexpr std::int64_t kMostImages = 1'000'000'000;
  TrainingProgress progress;
  progress.epoch = metadata.count("accrete.epoch", kMostEpochs);
  progress.step_in_epoch = metadata.count("accrete.step_in_epoch", kMostImages);
  progress.global_step = metadata.count("accrete.global_step", kMostEpochs * kMostImages);
  progress.loss_sum = metadata.finite("accrete.loss_sum");
  progress.samples = metadata.count("accrete.samples", kMostImages);
  progress.correct = metadata.count("accrete.correct", progress.samples);
  progress.last_train_loss = metadata.finite("accrete.last_train_loss");
  progress.last_train_accuracy = metadata.finite("accrete.last_train_accuracy");
  if (progress.step_in_epoch > progress.global_step) {
    metadata.fail("counts more steps in one epoch than in all");
  }
  return progress;
}

}  // namespace

void save_checkpoint(const std::string& path, const ParameterStore& store,
                     const TrainingProgress& progress, const std::string& fingerprint) {
  require_finite(path, store);
  SafetensorsFile file;
  file.metadata = {{"format", "pt"},
                   {"accrete.fingerprint", fingerprint},
                   {"accrete.epoch", std::to_string(progress.epoch)},
                   {"accrete.step_in_epoch", std::to_string(progress.step_in_epoch)},
                   {"accrete.global_step", std::to_string(progress.global_step)},
                   {"accrete.loss_sum", exact(progress.loss_sum)},
                   {"accrete.correct", std::to_string(progress.correct)},
                   {"accrete.samples", std::to_string(progress.samples)},
                   {"accrete.last_train_loss", exact(progress.last_train_loss)},
                   {"accrete.last_train_accuracy", exact(progress.last_train_accuracy)}};
  for (const StoredTensor* tensor : saved_tensors(store)) {
    file.arrays.push_back(to_file(*tensor));
  }
  write_safetensors(path, file);
}

TrainingProgress load_checkpoint(const std::string& path, const ParameterStore& store,
                                 const std::string& fingerprint) {
  SafetensorsFile file = read_safetensors(path);
  const auto found = file.metadata.find("accrete.fingerprint");
  if (found == file.metadata.end()) {
    throw Error(ErrorCode::weights,
                path +
                    " holds weights, but no state of a run to go on from; start from them with "
                    "--weights, or name a file of checkpoints/");
  }
  if (found->second != fingerprint) {
    throw Error(ErrorCode::weights,
                path +
                    " was written by a run with another spec, so the run cannot go on from it; "
                    "use the same spec, or another --output folder to start afresh");
  }
  const TrainingProgress progress = read_progress(MetadataReader(path, file));
  TensorFile(path, std::move(file)).restore(saved_tensors(store));
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
