// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a data file come from: a file, or memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "accrete/kernels/regular_file.h"

namespace accrete::data {

class ByteSource {
 public:
  ByteSource() = default;
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Writes up to `bytes` bytes to `target` and returns how many; 0 only at the end.
  virtual std::size_t read(void* target, std::size_t bytes) = 0;
  /// All there are, read or not.
  virtual std::int64_t size() const = 0;
};

/// A regular file. Error(data) with the path and the reason if it is none, or cannot be opened or
/// read.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::string& path);

  std::size_t read(void* target, std::size_t bytes) override {
    return file_.read_some(target, bytes);
  }
  std::int64_t size() const override { return static_cast<std::int64_t>(file_.bytes()); }

 private:
  RegularFile file_;
};

class MemorySource final : public ByteSource {
 public:
  MemorySource(const void* bytes, std::size_t size)
      : at_(static_cast<const unsigned char*>(bytes)), left_(size), size_(size) {}

  std::size_t read(void* target, std::size_t bytes) override;
  std::int64_t size() const override { return static_cast<std::int64_t>(size_); }

 private:
  const unsigned char* at_;
  std::size_t left_;
  std::size_t size_;
};

}  // namespace accrete::data
