// SPDX-License-Identifier: Apache-2.0
// Keeps a run folder to one run while that lives.
#pragma once

#include <string>

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

}  // namespace accrete::apps
