// SPDX-License-Identifier: Apache-2.0
// Which file calls of a process go wrong, and how. The environment says so:
//
//   ACCRETE_FAULT         call:n:action[:forever], as write:17:kill: the n-th call of that name
//                         and, with forever, those after it
//   ACCRETE_FAULT_FOLDER  calls on this folder and what is in it count; an absolute path without
//                         symbolic links
//   ACCRETE_FAULT_LOG     gets a line "call n action path" for each of them, "-" for no action
#pragma once

#include <atomic>
#include <string>

namespace accrete::test {

// The calls told apart; close relatives have one name: writev and pwrite are writes.
enum class Call { write, fsync, rename, truncate, unlink, link, open, flock, mkdir, count };

enum class Action { none, kill, kill_half, kill_after, signal, shorten, error };

struct Verdict {
  Action action = Action::none;
  int number = 0;  // of the error, or of the signal that comes before the call
};

class FaultPlan {
 public:
  static FaultPlan& of_process();

  // Counts a call on `path`, "" for none, and logs it. A call outside the folder is let through.
  Verdict next(Call call, const std::string& path);

 private:
  FaultPlan();
  void read_fault(const std::string& text);
  bool counts(const std::string& path) const;
  void log(Call call, long n, bool fires, const std::string& path) const;

  std::string folder_;
  std::string log_path_;
  std::string call_;  // "" for no fault
  std::string action_;
  long at_ = 0;
  bool forever_ = false;
  Verdict verdict_;
  std::atomic<long> calls_[static_cast<int>(Call::count)] = {};
};

// Where an open descriptor leads, "" if to no file.
std::string path_of(int descriptor);

// `path`, seen from the folder `descriptor`, with its parent's symbolic links resolved; "" if that
// does not exist.
std::string path_of(int descriptor, const char* path);

// Ends the process as the kernel would.
[[noreturn]] void die();

}  // namespace accrete::test
