// SPDX-License-Identifier: Apache-2.0
#include "fault_plan.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>

namespace accrete::test {
namespace {

constexpr const char* kCallNames[] = {"write", "fsync", "rename", "truncate", "unlink",
                                      "link",  "open",  "flock",  "mkdir"};

const std::map<std::string, Verdict>& verdicts() {
  static const std::map<std::string, Verdict> all = {
      {"kill", {Action::kill}},
      {"kill_half", {Action::kill_half}},
      {"kill_after", {Action::kill_after}},
      {"short", {Action::shorten}},
      {"ENOSPC", {Action::error, ENOSPC}},
      {"EIO", {Action::error, EIO}},
      {"EINTR", {Action::error, EINTR}},
      {"EDQUOT", {Action::error, EDQUOT}},
      {"ENOLCK", {Action::error, ENOLCK}},
      {"SIGSTOP", {Action::signal, SIGSTOP}},
      {"SIGTERM", {Action::signal, SIGTERM}},
      {"SIGHUP", {Action::signal, SIGHUP}},
      {"SIGINT", {Action::signal, SIGINT}},
      {"SIGUSR1", {Action::signal, SIGUSR1}},
  };
  return all;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The part of `text` before the next colon, which is taken off.
std::string take_word(std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string word = text.substr(0, colon);
  text = colon == std::string::npos ? "" : text.substr(colon + 1);
  return word;
}

// What cannot be followed must not pass for a run without faults.
[[noreturn]] void refuse(const std::string& text) {
  std::fprintf(stderr, "inject_faults: cannot follow ACCRETE_FAULT=%s\n", text.c_str());
  _exit(99);
}

}  // namespace

FaultPlan& FaultPlan::of_process() {
  static FaultPlan plan;
  return plan;
}

FaultPlan::FaultPlan()
    : folder_(variable("ACCRETE_FAULT_FOLDER")), log_path_(variable("ACCRETE_FAULT_LOG")) {
  const std::string fault = variable("ACCRETE_FAULT");
  if (!fault.empty()) {
    read_fault(fault);
  }
}

void FaultPlan::read_fault(const std::string& text) {
  std::string rest = text;
  call_ = take_word(rest);
  at_ = std::atol(take_word(rest).c_str());
  action_ = take_word(rest);
  forever_ = rest == "forever";
  bool known = false;
  for (const char* name : kCallNames) {
    known = known || call_ == name;
  }
  const auto verdict = verdicts().find(action_);
  if (!known || at_ < 1 || verdict == verdicts().end() || (!forever_ && !rest.empty())) {
    refuse(text);
  }
  verdict_ = verdict->second;
}

bool FaultPlan::counts(const std::string& path) const {
  return !folder_.empty() && path.compare(0, folder_.size(), folder_) == 0 &&
         (path.size() == folder_.size() || path[folder_.size()] == '/');
}

Verdict FaultPlan::next(Call call, const std::string& path) {
  if (!counts(path)) {
    return {};
  }
  const long n = ++calls_[static_cast<int>(call)];
  const bool fires =
      call_ == kCallNames[static_cast<int>(call)] && (n == at_ || (forever_ && n > at_));
  log(call, n, fires, path);
  return fires ? verdict_ : Verdict{};
}

// One write, so that the lines of threads do not mix. Past libc, whose calls are counted.
void FaultPlan::log(Call call, long n, bool fires, const std::string& path) const {
  if (log_path_.empty()) {
    return;
  }
  const std::string line = std::string(kCallNames[static_cast<int>(call)]) + " " +
                           std::to_string(n) + " " + (fires ? action_ : "-") + " " + path + "\n";
  const long descriptor = syscall(SYS_openat, AT_FDCWD, log_path_.c_str(),
                                  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (syscall(SYS_write, descriptor, line.data(), line.size()) != static_cast<long>(line.size())) {
    refuse(line);
  }
  close(static_cast<int>(descriptor));
}

std::string path_of(int descriptor) {
  char target[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = readlink(link.c_str(), target, sizeof(target));
  return length > 0 ? std::string(target, static_cast<std::size_t>(length)) : "";
}

std::string path_of(int descriptor, const char* path) {
  std::string full = path;
  if (full.empty() || full[0] != '/') {
    full = (descriptor == AT_FDCWD ? "." : path_of(descriptor)) + "/" + full;
  }
  while (full.size() > 1 && full.back() == '/') {
    full.pop_back();
  }
  const std::size_t slash = full.rfind('/');
  char parent[PATH_MAX];
  if (realpath(slash == 0 ? "/" : full.substr(0, slash).c_str(), parent) == nullptr) {
    return "";
  }
  return parent + full.substr(slash);
}

void die() {
  kill(getpid(), SIGKILL);
  while (true) {
    pause();
  }
}

}  // namespace accrete::test
