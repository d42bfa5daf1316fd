// SPDX-License-Identifier: Apache-2.0
// Files from outside, opened without trusting them.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "accrete/kernels/file_descriptor.h"

namespace accrete {

/// Throws the error of whoever wants to read the file at `path`.
using RefuseFile = std::function<void(const std::string& path, const std::string& reason)>;

/// Throws Error(io) with path, reason and cure.
[[noreturn]] void refuse_file(const std::string& path, const std::string& reason);

/// A regular file open for reading, as long as it is when it is opened. Folders, pipes and devices
/// are refused, since their size is unknown and reading them may wait or never end. Every failure
/// goes to `refuse`, which must throw.
class RegularFile {
 public:
  explicit RegularFile(std::string path, RefuseFile refuse = &refuse_file);

  /// Size in bytes when the file was opened.
  std::size_t bytes() const { return bytes_; }
  /// Up to `bytes` of the file, and how many; 0 only at its end.
  std::size_t read_some(void* to, std::size_t bytes);
  /// The next `bytes` of the file; refused if it ends before.
  void read(void* to, std::size_t bytes);
  /// The rest of the file as text.
  std::string read_text();

 private:
  [[noreturn]] void fail(const std::string& reason) const;
  int open_path() const;

  std::string path_;
  RefuseFile refuse_;
  FileDescriptor descriptor_;
  std::size_t bytes_ = 0;
  std::size_t left_ = 0;
};

}  // namespace accrete
