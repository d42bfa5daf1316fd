// SPDX-License-Identifier: Apache-2.0
// The content of a file that may be compressed with gzip (RFC 1952), told by its first bytes, not
// its name.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

#include "accrete/kernels/checked_size.h"
#include "byte_source.h"

namespace accrete::data {

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
