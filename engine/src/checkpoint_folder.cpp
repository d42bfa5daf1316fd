// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <tuple>

#include "accrete/engine/checkpoint.h"
#include "accrete/kernels/error.h"
#include "checkpoint_metadata.h"

namespace accrete {
namespace {

namespace fs = std::filesystem;
constexpr const char* kExtension = ".safetensors";
constexpr std::string_view kPrefix = "step_";

// The step in "step_0000000123.safetensors", or none: other files may lie beside checkpoints.
std::optional<std::int64_t> named_step(const fs::path& path) {
  const std::string name = path.stem().string();
  const char* digits = name.data() + std::min(name.size(), kPrefix.size());
  const char* end = name.data() + name.size();
  std::int64_t step = 0;
  const auto [stop, status] = std::from_chars(digits, end, step);
  const bool fits = name.rfind(kPrefix, 0) == 0 && path.extension() == kExtension &&
                    status == std::errc() && stop == end && step >= 0;
  return fits ? std::optional<std::int64_t>(step) : std::nullopt;
}

std::string name_of(std::int64_t step) {
  char name[40];
  std::snprintf(name, sizeof(name), "%s%010lld", kPrefix.data(), static_cast<long long>(step));
  return std::string(name) + kExtension;
}

bool is_name_of(const std::string& path, std::int64_t step) {
  return fs::path(path).filename() == name_of(step);
}

CheckpointFolder::Entry entry_of(const std::string& path, std::int64_t named) {
  try {
    const Metadata metadata = read_safetensors_metadata(path);
    check_metadata(path, metadata);
    const std::int64_t step = progress_of(path, metadata).global_step;
    return {path, step, true, is_name_of(path, step)};
  } catch (const Error&) {
    return {path, named, false, is_name_of(path, named)};
  }
}

void remove_file(const std::string& path) {
  std::error_code status;  // a checkpoint that cannot be removed is no reason to stop training
  fs::remove(path, status);
}

}  // namespace

std::string CheckpointFolder::path_for(const TrainingProgress& progress) const {
  return (fs::path(folder_) / name_of(progress.global_step)).string();
}

std::string CheckpointFolder::best() const {
  return (fs::path(folder_) / (std::string("best") + kExtension)).string();
}

std::optional<std::int64_t> CheckpointFolder::best_step() const {
  const Entry entry = entry_of(best(), 0);
  return entry.readable ? std::optional<std::int64_t>(entry.step) : std::nullopt;
}

std::vector<CheckpointFolder::Entry> CheckpointFolder::entries() const {
  std::vector<Entry> entries;
  std::error_code status;
  for (fs::directory_iterator file(folder_, status), end; !status && file != end;
       file.increment(status)) {
    if (const auto step = named_step(file->path())) {
      entries.push_back(entry_of(file->path().string(), *step));
    }
  }
  // Of several that say the same, the one that was saved under that name goes first.
  const auto order = [](const Entry& entry) {
    return std::tuple(-entry.step, !entry.readable, !entry.own, entry.path);
  };
  std::sort(entries.begin(), entries.end(),
            [&](const Entry& a, const Entry& b) { return order(a) < order(b); });
  return entries;
}

std::optional<std::string> CheckpointFolder::newest() const {
  for (const Entry& entry : entries()) {
    if (entry.readable) {
      return entry.path;
    }
  }
  return std::nullopt;
}

void CheckpointFolder::remove_older(std::int64_t step, std::int64_t keep) const {
  std::int64_t kept = 0;  // one that cannot be read goes when as many good ones are newer
  for (const Entry& entry : entries()) {
    const bool older = entry.own && entry.step < step;
    if (older && kept >= keep) {
      remove_file(entry.path);
    } else if (older && entry.readable) {
      ++kept;
    }
  }
}

void CheckpointFolder::remove_beyond(std::int64_t step) const {
  for (const Entry& entry : entries()) {
    if (entry.own && entry.step > step) {
      remove_file(entry.path);
    }
  }
}

}  // namespace accrete
