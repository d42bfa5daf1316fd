// SPDX-License-Identifier: Apache-2.0
#include "run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "accrete/engine/json_text.h"
#include "accrete/kernels/error.h"
#include "local_time.h"

namespace accrete::apps {
namespace {

using Json = nlohmann::ordered_json;

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

}  // namespace

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

}  // namespace accrete::apps
