// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share: which answers an entry point may give, and files that are memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "accrete/kernels/error.h"

namespace accrete::fuzz {

/// Ends the process; libFuzzer keeps the input.
[[noreturn]] void finding(const std::string& what);

inline void require(bool holds, const char* what) {
  if (!holds) {
    finding(what);
  }
}

/// A finding unless `code` is one of the documented ones and the message is one line of a length
/// that a terminal can bear.
void check_answer(const Error& error, std::initializer_list<ErrorCode> documented);

/// Whether `body` ran through. An Error with one of the `documented` codes is an answer, too; all
/// else that it throws is a finding.
template <class Body>
bool answers(std::initializer_list<ErrorCode> documented, Body&& body) {
  try {
    body();
    return true;
  } catch (const Error& error) {
    check_answer(error, documented);
    return false;
  }
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// A file in memory, for entry points that want a path.
class MemoryFile {
 public:
  MemoryFile();
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void set_content(std::string_view bytes);
  const std::string& path() const { return path_; }

 private:
  int descriptor_;
  std::string path_;
};

/// A path in a folder of this process that is kept in memory, for entry points that write a file
/// beside the old one.
std::string path_in_memory(const std::string& name);

/// The content of a safetensors file that `data` describes. Bit 0 of the first byte: the header's
/// length is right, the bytes are [length, 3 bytes][header][tensors]; otherwise they are the file.
std::string safetensors_content(const std::uint8_t* data, std::size_t size);

}  // namespace accrete::fuzz
