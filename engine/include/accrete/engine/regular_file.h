// SPDX-License-Identifier: Apache-2.0
// Reading a file that somebody else wrote, or that is none.
#pragma once

#include <cstddef>
#include <string>

namespace accrete {

/// A regular file open for reading. Folders, pipes and devices are refused, since their size is
/// unknown and reading them may wait or never end. Every failure is Error(io) with path and reason.
class RegularFile {
 public:
  explicit RegularFile(std::string path);

  /// Size in bytes when the file was opened.
  std::size_t bytes() const { return bytes_; }
  /// The next `bytes` of the file. Error(io) if it ends before.
  void read(void* to, std::size_t bytes);
  /// The rest of the file as text.
  std::string read_text();

 private:
  struct Descriptor {
    explicit Descriptor(int opened) : number(opened) {}
    ~Descriptor();
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int number;  // below 0: none
  };

  [[noreturn]] void fail(const std::string& reason) const;

  std::string path_;
  Descriptor descriptor_;
  std::size_t bytes_ = 0;
  std::size_t read_ = 0;
};

}  // namespace accrete
