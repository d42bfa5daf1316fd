// SPDX-License-Identifier: Apache-2.0
#include "run_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <limits>
#include <utility>

#include "accrete/engine/atomic_file.h"
#include "accrete/engine/json_text.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/regular_file.h"
#include "version.h"

namespace accrete::apps {
namespace {

namespace fs = std::filesystem;
using Json = EpochLog::Json;

constexpr const char* kCheckpoints = "/checkpoints";
constexpr const char* kWeights = "/model.safetensors";
constexpr const char* kConfig = "/config.json";
constexpr const char* kBuild = "/build.json";

EpochLog metrics_log(const std::string& path) {
  return {path + "/metrics.jsonl",
          {"epoch", "step", "learning_rate", "train_loss", "train_acc", "test_loss", "test_acc"}};
}

EpochLog timing_log(const std::string& path) {
  return {path + "/timing.jsonl", {"epoch", "examples_per_second", "seconds", "data_wait_percent"}};
}

bool exists(const std::string& path) {
  std::error_code status;
  return fs::exists(path, status);
}

void remove_file(const std::string& path) {
  std::error_code status;
  fs::remove(path, status);
  if (status) {
    throw Error(ErrorCode::io, "cannot remove " + path + ": " + status.message() +
                                   "; check permissions, or choose another --output");
  }
}

void require_no_results_in(const std::string& path) {
  const CheckpointFolder checkpoints(path + kCheckpoints);
  if (!checkpoints.entries().empty() || exists(checkpoints.best()) || exists(path + kWeights) ||
      metrics_log(path).has_lines()) {
    throw Error(ErrorCode::invalid_argument,
                path +
                    " holds the results of an earlier run; add --resume auto to go on from them, "
                    "choose another --output, or give them up with --overwrite");
  }
}

void create_folders(const std::string& path) {
  std::vector<fs::path> missing;
  for (fs::path at = path; !at.empty() && !exists(at.string()); at = at.parent_path()) {
    missing.push_back(at);
  }
  std::error_code status;
  fs::create_directories(path, status);
  if (status) {
    fail_unwritable(path, status.message());
  }
  for (const fs::path& created : missing) {
    flush_folder_of(created.string());
  }
}

// Whether it had another text. One that says the same is left alone: a run that goes on writes
// nothing anew.
bool change_file(const std::string& path, const std::string& text) {
  const bool there = exists(path);
  if (there) {
    RegularFile file(path);
    if (file.bytes() == text.size() && file.read_text() == text) {
      return false;
    }
  }
  replace_file(path, text);
  return there;
}

}  // namespace

void check_output(const std::string& path, bool may_hold_results) {
  if (has_control_characters(path)) {
    throw Error(
        ErrorCode::invalid_argument,
        "--output " + excerpt(path, 200) + " has control characters; choose a folder without them");
  }
  RunLock::require_free(path);
  if (!may_hold_results) {
    require_no_results_in(path);
  }
}

RunFolder::EmptyFolder::~EmptyFolder() {
  std::error_code status;
  const fs::directory_iterator entries(path_, status);
  const auto count = status ? 0 : std::distance(fs::begin(entries), fs::end(entries));
  if (created_ && count <= 1 && (count == 0 || rmdir((path_ + kCheckpoints).c_str()) == 0)) {
    rmdir(path_.c_str());
  }
}

RunFolder::RunFolder(std::string path, bool created, std::int64_t keep)
    : path_(std::move(path)),
      keep_(keep),
      unless_used_(path_, created),
      lock_(path_),
      checkpoints_(path_ + kCheckpoints),
      metrics_(metrics_log(path_)),
      timing_(timing_log(path_)) {
  create_folders(checkpoints_.path());
  if (access(checkpoints_.path().c_str(), W_OK) != 0) {
    fail_unwritable(checkpoints_.path(), std::strerror(errno));
  }
  remove_temporaries();
}

RunFolder RunFolder::at(const std::string& path, std::int64_t keep) {
  const bool there = exists(path);
  create_folders(path);
  return {path, !there, keep};
}

RunFolder RunFolder::create(const std::string& name, std::int64_t keep) {
  create_folders("runs");
  const std::string first = "runs/" + name + "-" + local_time("%Y%m%d-%H%M%S");
  std::string path = first;
  constexpr int kMost = 100'000;
  for (int i = 2; mkdir(path.c_str(), 0777) != 0; ++i) {
    if (errno != EEXIST || i > kMost) {
      fail_unwritable(path, std::strerror(errno));
    }
    path = first + "-" + std::to_string(i);
  }
  flush_folder_of(path);
  return {path, true, keep};
}

std::string RunFolder::weights() const {
  return path_ + kWeights;
}

void RunFolder::require_no_results() const {
  require_no_results_in(path_);
}

void RunFolder::remove_temporaries() const {
  for (const std::string& file : {path_ + kConfig, path_ + kBuild, weights(), metrics_.path(),
                                  timing_.path(), checkpoints_.best()}) {
    remove_file(temporary_of(file));
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(checkpoints_.path())) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("step_", 0) == 0 && name == temporary_of(entry.path().stem().string())) {
      remove_file(entry.path().string());
    }
  }
}

std::vector<std::string> RunFolder::begin(const TrainingProgress& progress,
                                          const std::string& spec) const {
  std::vector<std::string> notes;
  for (const EpochLog* log : {&metrics_, &timing_}) {
    if (const std::int64_t foreign = log->keep_epochs(progress.epoch); foreign > 0) {
      notes.push_back(std::to_string(foreign) + " lines of " + log->path() +
                      " that this run had not written were removed");
    }
  }
  change_file(path_ + kConfig, spec);
  const Json build = {{"version", kVersion}, {"commit", kCommit}, {"compiler", kCompiler}};
  if (change_file(path_ + kBuild, build.dump(2) + "\n") && progress.global_step > 0) {
    notes.emplace_back("another build has begun this run; last bits may differ from here on");
  }
  keep_best(progress);
  checkpoints_.remove_older(progress.global_step, keep_);
  return notes;
}

void RunFolder::append(const EpochMetrics& m, const EpochTiming& timing) const {
  metrics_.append({{"epoch", m.epoch},
                   {"step", m.step},
                   {"learning_rate", m.learning_rate},
                   {"train_loss", m.train_loss},
                   {"train_acc", m.train_accuracy},
                   {"test_loss", m.test_loss},
                   {"test_acc", m.test_accuracy}});
  timing_.append({{"epoch", timing.epoch},
                  {"examples_per_second", timing.examples_per_second},
                  {"seconds", timing.seconds},
                  {"data_wait_percent", timing.data_wait_percent}});
}

// The best checkpoint is another name of the one of its epoch, and an own file where there are no
// links. A run that was killed between the two makes up for it when it goes on.
void RunFolder::keep_best(const TrainingProgress& progress) const {
  const std::string saved = checkpoints_.path_for(progress);
  const bool is_best = !progress.best.metric.empty() && progress.best.epoch > 0 &&
                       progress.best.epoch == progress.epoch && progress.step_in_epoch == 0;
  if (!is_best || !exists(saved)) {
    return;
  }
  std::error_code status;
  if (!fs::equivalent(saved, checkpoints_.best(), status) &&
      !replace_with_link(saved, checkpoints_.best())) {
    replace_file(checkpoints_.best(), RegularFile(saved).read_text());
  }
}

void RunFolder::save(const ParameterStore& store, const TrainingProgress& progress,
                     const std::string& fingerprint) {
  const std::string saved = checkpoints_.path_for(progress);
  save_checkpoint(saved, store, progress, fingerprint);
  keep_best(progress);
  for (const std::string& damaged : std::exchange(passed_over_, {})) {
    std::error_code status;  // one that cannot be removed is no reason to stop training
    if (fs::path(damaged).filename() != fs::path(saved).filename()) {
      fs::remove(damaged, status);
    }
  }
  checkpoints_.remove_older(progress.global_step, keep_);
}

void RunFolder::save_weights(const ParameterStore& store) const {
  accrete::save_weights(weights(), store);
}

void RunFolder::give_up_beyond(const TrainingProgress& progress) const {
  constexpr std::int64_t kBeyondAll = std::numeric_limits<std::int64_t>::max();
  if (checkpoints_.best_step().value_or(kBeyondAll) > progress.global_step) {
    remove_file(checkpoints_.best());
  }
  checkpoints_.remove_beyond(progress.global_step);
}

void RunFolder::give_up_results() const {
  remove_file(weights());
  remove_file(checkpoints_.best());
  checkpoints_.remove_beyond(-1);
  remove_file(metrics_.path());
  remove_file(timing_.path());
}

}  // namespace accrete::apps
