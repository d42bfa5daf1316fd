// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a data file come from: a file or memory, and the content of what may be
// compressed with gzip (RFC 1952), which its first bytes tell, not its name.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "accrete/kernels/checked_size.h"
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

class GzipReader {
 public:
  /// `source` must outlive the reader; `name` is what messages call it.
  GzipReader(ByteSource& source, std::string name);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  bool compressed() const { return compressed_; }
  /// No more than this many bytes of content can be in the source, whatever they say.
  CheckedSize most_bytes() const;
  /// Writes up to `bytes` bytes of content to `target` and returns how many; 0 only at the end. The
  /// members of a gzip file follow each other; their checksums are verified. Error(data) where they
  /// are wrong, the compressed data are damaged or end early, or something else follows them.
  std::size_t read(void* target, std::size_t bytes);

 private:
  bool have_input(std::size_t count);
  bool at_member();
  bool next_member();
  std::size_t copy(unsigned char* target, std::size_t bytes);
  std::size_t decompress(unsigned char* target, std::size_t bytes);
  [[noreturn]] void reject(const std::string& why) const;

  ByteSource& source_;
  std::string name_;
  std::vector<unsigned char> buffer_;
  z_stream stream_{};  // its next_in and avail_in are the input of plain files, too
  bool compressed_ = false;
  bool between_members_ = false;
};

}  // namespace accrete::data
