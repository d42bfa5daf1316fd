// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "accrete/engine/checkpoint.h"

namespace accrete {
namespace {

namespace fs = std::filesystem;
constexpr const char* kExtension = ".safetensors";
constexpr std::string_view kPrefix = "step_";

// The step in "step_0000000123.safetensors", or none: other files may lie beside checkpoints.
std::optional<std::int64_t> step_of(const fs::path& path) {
  const std::string name = path.stem().string();
  const char* digits = name.data() + std::min(name.size(), kPrefix.size());
  const char* end = name.data() + name.size();
  std::int64_t step = 0;
  const auto [stop, status] = std::from_chars(digits, end, step);
  const bool fits = name.rfind(kPrefix, 0) == 0 && path.extension() == kExtension &&
                    status == std::errc() && stop == end && step >= 0;
  return fits ? std::optional<std::int64_t>(step) : std::nullopt;
}

// By step.
std::vector<fs::path> checkpoint_files(const std::string& folder) {
  std::vector<std::pair<std::int64_t, fs::path>> steps;
  std::error_code status;
  for (fs::directory_iterator entry(folder, status), end; !status && entry != end;
       entry.increment(status)) {
    if (const auto step = step_of(entry->path())) {
      steps.emplace_back(*step, entry->path());
    }
  }
  std::sort(steps.begin(), steps.end());
  std::vector<fs::path> files;
  files.reserve(steps.size());
  for (const auto& [step, path] : steps) {
    files.push_back(path);
  }
  return files;
}

}  // namespace

std::string CheckpointFolder::path_for(const TrainingProgress& progress) const {
  char name[40];
  std::snprintf(name, sizeof(name), "%s%010lld", kPrefix.data(),
                static_cast<long long>(progress.global_step));
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
