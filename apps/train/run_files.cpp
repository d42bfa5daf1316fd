// SPDX-License-Identifier: Apache-2.0
#include "run_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <thread>

#include "accrete/engine/atomic_file.h"
#include "accrete/engine/json_text.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/regular_file.h"

namespace accrete::apps {
namespace {

namespace fs = std::filesystem;
using Json = EpochLog::Json;

std::string lock_path(const std::string& folder) {
  return folder + "/run.lock";
}

// 0 or an error number.
int lock_at_once(const FileDescriptor& file, int operation) {
  const int result = uninterrupted([&] { return flock(file.number(), operation | LOCK_NB); });
  return result == 0 ? 0 : errno;
}

std::string text_of(const FileDescriptor& file) {
  std::array<char, 512> text{};
  const ssize_t bytes = pread(file.number(), text.data(), text.size(), 0);
  return {text.data(), bytes > 0 ? static_cast<std::size_t>(bytes) : 0};
}

// "process 1234 on "host", started "2026-11-27 15:49:50"".
std::string holder_of(const FileDescriptor& file) {
  // Whoever has just taken the lock is about to write.
  constexpr int kTries = 50;
  for (int i = 0; i < kTries; ++i) {
    const std::string text = text_of(file);
    const Json json = find_json_fault(text) ? Json() : Json::parse(text);
    if (json.is_object()) {
      const auto shown = [&](const char* key) {
        return excerpt(json.value(key, Json("?")).dump());
      };
      return "process " + shown("pid") + " on " + shown("host") + ", started " + shown("started");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return "another process";
}

[[noreturn]] void fail_in_use(const std::string& folder, const FileDescriptor& file) {
  throw Error(ErrorCode::invalid_argument, folder + " is in use by " + holder_of(file) +
                                               "; wait for its end, or choose another --output");
}

std::string identity() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  const Json json = {{"pid", getpid()}, {"host", host.data()}, {"started", local_time("%F %T")}};
  return json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

// Whether `path` still names the open file: its holder may have removed it before we had the lock.
bool names_open_file(const std::string& path, const FileDescriptor& file) {
  struct stat open_file = {};
  struct stat named = {};
  return fstat(file.number(), &open_file) == 0 && lstat(path.c_str(), &named) == 0 &&
         open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

std::string text_of(const std::string& path) {
  constexpr std::size_t kMostBytes = std::size_t{1} << 30;  // a million epochs, and more
  RegularFile file(path);
  if (file.bytes() > kMostBytes) {
    throw Error(ErrorCode::io, path + " has " + std::to_string(file.bytes()) +
                                   " bytes, too many for lines of epochs; move it away, or choose "
                                   "another --output");
  }
  return file.read_text();
}

}  // namespace

std::string local_time(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), format, &local);
  return text.data();
}

void fail_unwritable(const std::string& folder, const std::string& why) {
  throw Error(ErrorCode::io, "cannot write the run folder " + folder + ": " + why +
                                 "; choose another with --output");
}

RunLock::RunLock(const std::string& folder) : path_(lock_path(folder)) {
  constexpr int kTries = 100;  // whoever holds it may end in between, but not for ever
  for (int i = 0; i < kTries && !open_and_lock(folder); ++i) {
  }
  // Only what others are told: the lock is there without it.
  const std::string text = identity();
  static_cast<void>(ftruncate(file_.number(), 0) == 0 &&
                    pwrite(file_.number(), text.data(), text.size(), 0) > 0);
}

// False if the file has been removed meanwhile.
bool RunLock::open_and_lock(const std::string& folder) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  file_ = FileDescriptor(uninterrupted([&] { return open(path_.c_str(), kFlags, 0644); }));
  if (!file_.is_open()) {
    fail_unwritable(folder, std::strerror(errno));
  }
  const int error = lock_at_once(file_, LOCK_EX);
  if (error == EWOULDBLOCK) {
    fail_in_use(folder, file_);
  }
  works_ = error == 0;
  return names_open_file(path_, file_);
}

RunLock::~RunLock() {
  if (file_.is_open()) {
    unlink(path_.c_str());  // while it is locked: a later one would be another run's
  }
}

void RunLock::require_free(const std::string& folder) {
  const FileDescriptor file(
      open(lock_path(folder).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.is_open() && lock_at_once(file, LOCK_SH) == EWOULDBLOCK) {
    fail_in_use(folder, file);
  }
}

void EpochLog::append(const Json& line) const {
  append_to_file(path_, line.dump() + "\n");
}

bool EpochLog::has_lines() const {
  std::error_code status;
  return fs::exists(path_, status) && !fs::is_empty(path_, status);
}

// The epoch of a line that this program has written, otherwise 0.
std::int64_t EpochLog::epoch_of(std::string_view line) const {
  if (find_json_fault(line)) {
    return 0;
  }
  const Json json = Json::parse(line);
  const bool own = json.is_object() && json.size() == keys_.size() &&
                   std::all_of(keys_.begin(), keys_.end(), [&](const std::string& key) {
                     return json.contains(key) && json.at(key).is_number();
                   });
  return own && json.at("epoch").is_number_unsigned() ? json.at("epoch").get<std::int64_t>() : 0;
}

std::int64_t EpochLog::keep_epochs(std::int64_t epochs) const {
  if (!has_lines()) {
    return 0;
  }
  const std::string text = text_of(path_);
  std::string kept;
  std::int64_t last = 0;
  std::int64_t foreign = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    const std::int64_t epoch = epoch_of(line);
    if (epoch > last && epoch <= epochs) {
      kept.append(line).append("\n");
      last = epoch;
    } else if (epoch <= last && end < text.size()) {
      ++foreign;  // a last line without its end is one that was being written
    }
    begin = end + 1;
  }
  if (kept != text) {
    replace_file(path_, kept);
  }
  return foreign;
}

}  // namespace accrete::apps
