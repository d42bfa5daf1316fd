// SPDX-License-Identifier: Apache-2.0
#include "race_detector.h"

#include <link.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <sstream>

namespace simt::race {
namespace {

// Of the program itself, which the loader lists first.
std::uintptr_t load_address() {
  std::uintptr_t address = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t /*size*/, void* result) {
        *static_cast<std::uintptr_t*>(result) = info->dlpi_addr;
        return 1;
      },
      &address);
  return address;
}

std::string program_path() {
  std::array<char, 4096> path{};
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size() - 1);
  return {path.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

std::string output_of(const std::string& command) {
  std::string text;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    return text;
  }
  std::array<char, 256> line{};
  while (std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr) {
    text += line.data();
  }
  pclose(pipe);
  return text;
}

}  // namespace

std::string source_lines(const void* return_address) {
  std::ostringstream address;
  address << std::hex << "0x"
          << reinterpret_cast<std::uintptr_t>(return_address) - 1 - load_address();
  std::istringstream lines(
      output_of("addr2line -i -s -e '" + program_path() + "' " + address.str() + " 2>/dev/null"));
  std::string text;
  std::string line;
  for (int shown = 0; shown < 3 && std::getline(lines, line); ++shown) {
    if (line.starts_with("??")) {
      break;
    }
    text += (shown > 0 ? " < " : "") + line.substr(0, line.find(' '));
  }
  return text.empty() ? "code address " + address.str() : text;
}

}  // namespace simt::race
