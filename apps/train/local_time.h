// SPDX-License-Identifier: Apache-2.0
// What the clock on the wall says, for names and messages: no result depends on it.
#pragma once

#include <array>
#include <ctime>
#include <string>

namespace accrete::apps {

/// The time now in the local zone, as strftime writes `format`; at most 63 bytes.
inline std::string local_time(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), format, &local);
  return text.data();
}

}  // namespace accrete::apps
