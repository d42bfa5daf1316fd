// SPDX-License-Identifier: Apache-2.0
// A workspace of exactly the promised size, full of NaN, with a guard behind it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <vector>

#include "accrete/kernels/call.h"
#include "support/catch.h"
#include "support/test_memory.h"

namespace accrete::test {

class Scratch {
 public:
  explicit Scratch(std::size_t bytes) : bytes_(bytes), memory_(bytes + kGuard) {
    std::vector<unsigned char> contents(memory_.bytes(), kGuardByte);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (std::size_t i = 0; i + sizeof(nan) <= bytes; i += sizeof(nan)) {
      std::memcpy(contents.data() + i, &nan, sizeof(nan));
    }
    memory_.write(contents);
  }

  Workspace workspace() { return {memory_.address(), bytes_}; }

  /// False when something was written behind the end.
  bool intact() const {
    const std::vector<unsigned char> contents = memory_.read();
    return std::all_of(contents.begin() + static_cast<std::ptrdiff_t>(bytes_), contents.end(),
                       [](unsigned char byte) { return byte == kGuardByte; });
  }

 private:
  static constexpr std::size_t kGuard = 128;
  static constexpr unsigned char kGuardByte = 0x5A;

  std::size_t bytes_;
  TestMemory memory_;
};

/// Runs a call in a workspace of its own. Returns the name of the implementation.
template <class Call>
const char* run_call(const Stream& stream, const Call& call) {
  Scratch scratch(kernels::workspace_bytes(call, stream.device()));
  const char* implementation = kernels::run(stream, call, scratch.workspace());
  REQUIRE(scratch.intact());
  return implementation;
}

}  // namespace accrete::test
