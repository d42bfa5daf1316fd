// SPDX-License-Identifier: Apache-2.0
// Texts and whole files for tests.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace accrete::test {

inline void write_plain(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// Empty if there is no such file.
inline std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// `piece`, so many times.
inline std::string repeated(const std::string& piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) {
    text += piece;
  }
  return text;
}

}  // namespace accrete::test
