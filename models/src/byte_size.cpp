// SPDX-License-Identifier: Apache-2.0
#include "byte_size.h"

#include <array>
#include <charconv>
#include <cmath>

namespace accrete::models {

std::optional<std::int64_t> parse_byte_size(const std::string& text) {
  static constexpr std::array<const char*, 4> kPrefixes = {"K", "M", "G", "T"};
  double number = 0.0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, number);
  if (status != std::errc()) {
    return std::nullopt;
  }
  std::string unit(stop, end);
  unit.erase(0, unit.find_first_not_of(' '));
  for (std::size_t power = 0; power < kPrefixes.size(); ++power) {
    const std::string prefix = kPrefixes[power];
    for (const auto& [suffix, base] : {std::pair("B", 1000.0), std::pair("iB", 1024.0)}) {
      const double bytes = number * std::pow(base, static_cast<double>(power + 1));
      if (unit == prefix + suffix && bytes >= 1024.0 && bytes < 9e18) {
        return static_cast<std::int64_t>(bytes) / 1024 * 1024;
      }
    }
  }
  return std::nullopt;
}

}  // namespace accrete::models
