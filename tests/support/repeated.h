// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace accrete::test {

/// `piece`, so many times.
inline std::string repeated(const std::string& piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) {
    text += piece;
  }
  return text;
}

}  // namespace accrete::test
