// SPDX-License-Identifier: Apache-2.0
// Whole files for tests.
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

}  // namespace accrete::test
