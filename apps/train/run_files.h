// SPDX-License-Identifier: Apache-2.0
// What a run folder is kept with: the lock of its run, and files that grow by a line an epoch.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "accrete/kernels/file_descriptor.h"

namespace accrete::apps {

/// Throws the Error(io) of a run folder that cannot be written.
[[noreturn]] void fail_unwritable(const std::string& folder, const std::string& why);

/// Holds "<folder>/run.lock", which names the run, and removes it. The lock is the kernel's, on the
/// open file (flock): it ends with the process, however that dies, and a file without it is stale.
class RunLock {
 public:
  /// Error(invalid_argument) naming process and start of the run that has it; Error(io) if the
  /// folder cannot be written.
  explicit RunLock(const std::string& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  /// False where the file system has no locks, so that another run would not be noticed.
  bool works() const { return works_; }

  /// Error(invalid_argument) if a run has the lock now. Writes nothing.
  static void require_free(const std::string& folder);

 private:
  bool open_and_lock(const std::string& folder);

  std::string path_;
  FileDescriptor file_;
  bool works_ = true;
};

/// A file with one line of JSON for each finished epoch: metrics.jsonl, timing.jsonl.
class EpochLog {
 public:
  using Json = nlohmann::ordered_json;

  /// Each line has these keys and no others, "epoch" among them.
  EpochLog(std::string path, std::vector<std::string> keys)
      : path_(std::move(path)), keys_(std::move(keys)) {}

  const std::string& path() const { return path_; }
  /// On disk when it returns. Error(io); the file then ends where it ended before.
  void append(const Json& line) const;
  /// Whether the file has anything in it.
  bool has_lines() const;
  /// Keeps the lines of the first `epochs` epochs, in rising order, and drops all others: what an
  /// interrupted run has written since, a torn last line, and lines that this program has not
  /// written there; returns how many of those there were. Replaces the file as a whole, or not at
  /// all.
  std::int64_t keep_epochs(std::int64_t epochs) const;

 private:
  std::int64_t epoch_of(std::string_view line) const;

  std::string path_;
  std::vector<std::string> keys_;
};

/// The time now in the local zone, as strftime writes `format`; at most 63 bytes. For names and
/// messages: no result depends on it.
std::string local_time(const char* format);

}  // namespace accrete::apps
