// SPDX-License-Identifier: Apache-2.0
// Replacing a file so that readers see the old contents or the new, never a part.
#pragma once

#include <cstddef>
#include <string>

namespace accrete {

/// Writes to "<path>.tmp" piece by piece; commit() makes it `path` durably. Destroyed without
/// commit(), it removes the temporary file. Every failure is Error(io) with path and reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void commit();

 private:
  [[noreturn]] void fail(const char* action) const;

  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
};

}  // namespace accrete
