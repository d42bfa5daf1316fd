// SPDX-License-Identifier: Apache-2.0
#include "accrete/engine/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "accrete/engine/safetensors.h"
#include "accrete/kernels/error.h"

namespace accrete {
namespace {

namespace fs = std::filesystem;
constexpr const char* kExtension = ".safetensors";

std::vector<std::int64_t> file_shape(const StoredTensor& tensor) {
  const Shape& shape = tensor.shape;
  switch (tensor.role) {
    case TensorRole::vector:
      return {shape.c};
    case TensorRole::linear_weight:
      return {shape.n, shape.c};
    case TensorRole::conv_weight:
      break;
  }
  return {shape.n, shape.c, shape.h, shape.w};
}

// Where the element that is [k, pixel, c] in memory lies in a file.
std::int64_t file_index(const Shape& s, std::int64_t k, std::int64_t pixel, std::int64_t c) {
  return (k * s.c + c) * s.h * s.w + pixel;
}

NamedArray to_file(const StoredTensor& tensor) {
  const Shape& s = tensor.shape;
  NamedArray array{tensor.name, file_shape(tensor), {}};
  array.values.resize(static_cast<std::size_t>(s.elements()));
  const float* memory = tensor.view.f32();
  for (std::int64_t k = 0; k < s.n; ++k) {
    for (std::int64_t pixel = 0; pixel < s.h * s.w; ++pixel) {
      for (std::int64_t c = 0; c < s.c; ++c) {
        array.values[static_cast<std::size_t>(file_index(s, k, pixel, c))] =
            memory[(k * s.h * s.w + pixel) * s.c + c];
      }
    }
  }
  return array;
}

void from_file(const NamedArray& array, const StoredTensor& tensor) {
  const Shape& s = tensor.shape;
  float* memory = tensor.view.f32();
  for (std::int64_t k = 0; k < s.n; ++k) {
    for (std::int64_t pixel = 0; pixel < s.h * s.w; ++pixel) {
      for (std::int64_t c = 0; c < s.c; ++c) {
        memory[(k * s.h * s.w + pixel) * s.c + c] =
            array.values[static_cast<std::size_t>(file_index(s, k, pixel, c))];
      }
    }
  }
}

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

bool is_optimizer_state(const std::string& name) {
  return name.rfind("optimizer.", 0) == 0;
}

std::vector<const StoredTensor*> weights_of(const ParameterStore& store) {
  std::vector<const StoredTensor*> tensors = saved_tensors(store);
  tensors.erase(
      std::remove_if(tensors.begin(), tensors.end(),
                     [](const StoredTensor* tensor) { return is_optimizer_state(tensor->name); }),
      tensors.end());
  return tensors;
}

// 17 significant digits restore a double exactly.
std::string exact(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.17g", value);
  return text;
}

template <class Number>
Number metadata_number(const std::string& path, const SafetensorsFile& file, const char* key) {
  const auto found = file.metadata.find(key);
  Number value{};
  if (found != file.metadata.end()) {
    const std::string& text = found->second;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status == std::errc() && end == text.data() + text.size()) {
      return value;
    }
  }
  throw Error(ErrorCode::weights, path +
                                      " is no checkpoint of a training run: its metadata has no " +
                                      std::string("number '") + key + "'");
}

void restore_tensors(const std::string& path, const SafetensorsFile& file,
                     const std::vector<const StoredTensor*>& tensors) {
  for (const StoredTensor* tensor : tensors) {
    const auto found =
        std::find_if(file.arrays.begin(), file.arrays.end(),
                     [&](const NamedArray& array) { return array.name == tensor->name; });
    if (found == file.arrays.end()) {
      throw Error(ErrorCode::weights, path + " has no tensor " + tensor->name +
                                          "; it belongs to another model or optimizer");
    }
    if (found->shape != file_shape(*tensor)) {
      throw Error(ErrorCode::weights, "in " + path + " tensor " + tensor->name +
                                          " has another shape than the model's " +
                                          to_string(tensor->shape));
    }
    from_file(*found, *tensor);
  }
  if (file.arrays.size() != tensors.size()) {
    throw Error(ErrorCode::weights, path + " has " + std::to_string(file.arrays.size()) +
                                        " tensors, the model and optimizer have " +
                                        std::to_string(tensors.size()));
  }
}

std::vector<fs::path> checkpoint_files(const std::string& folder) {
  std::vector<fs::path> files;
  std::error_code status;
  for (const auto& entry : fs::directory_iterator(folder, status)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("step_", 0) == 0 && entry.path().extension() == kExtension) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());  // the step is zero-padded
  return files;
}

}  // namespace

void save_checkpoint(const std::string& path, const ParameterStore& store,
                     const TrainingProgress& progress, const std::string& fingerprint) {
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
  const SafetensorsFile file = read_safetensors(path);
  const auto found = file.metadata.find("accrete.fingerprint");
  if (found == file.metadata.end() || found->second != fingerprint) {
    throw Error(ErrorCode::weights,
                path +
                    " was written by a run with another spec, so the run cannot go on from it; "
                    "use the same spec, or another --output folder to start afresh");
  }
  TrainingProgress progress;
  progress.epoch = metadata_number<std::int64_t>(path, file, "accrete.epoch");
  progress.step_in_epoch = metadata_number<std::int64_t>(path, file, "accrete.step_in_epoch");
  progress.global_step = metadata_number<std::int64_t>(path, file, "accrete.global_step");
  progress.loss_sum = metadata_number<double>(path, file, "accrete.loss_sum");
  progress.correct = metadata_number<std::int64_t>(path, file, "accrete.correct");
  progress.samples = metadata_number<std::int64_t>(path, file, "accrete.samples");
  progress.last_train_loss = metadata_number<double>(path, file, "accrete.last_train_loss");
  progress.last_train_accuracy = metadata_number<double>(path, file, "accrete.last_train_accuracy");
  restore_tensors(path, file, saved_tensors(store));
  return progress;
}

void save_weights(const std::string& path, const ParameterStore& store) {
  SafetensorsFile file;
  file.metadata = {{"format", "pt"}};
  for (const StoredTensor* tensor : weights_of(store)) {
    file.arrays.push_back(to_file(*tensor));
  }
  write_safetensors(path, file);
}

void load_weights(const std::string& path, const ParameterStore& store) {
  SafetensorsFile file = read_safetensors(path);
  auto& arrays = file.arrays;
  arrays.erase(
      std::remove_if(arrays.begin(), arrays.end(),
                     [](const NamedArray& array) { return is_optimizer_state(array.name); }),
      arrays.end());
  restore_tensors(path, file, weights_of(store));
}

std::string CheckpointFolder::path_for(const TrainingProgress& progress) const {
  char name[40];
  std::snprintf(name, sizeof(name), "step_%010lld", static_cast<long long>(progress.global_step));
  return (fs::path(folder_) / (std::string(name) + kExtension)).string();
}

std::optional<std::string> CheckpointFolder::newest() const {
  const std::vector<fs::path> files = checkpoint_files(folder_);
  return files.empty() ? std::nullopt : std::optional<std::string>(files.back().string());
}

void CheckpointFolder::prune(int keep) const {
  const std::vector<fs::path> files = checkpoint_files(folder_);
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < files.size(); ++i) {
    std::error_code status;  // a checkpoint that cannot be removed is no reason to stop training
    fs::remove(files[i], status);
  }
}

}  // namespace accrete
