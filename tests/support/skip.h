// SPDX-License-Identifier: Apache-2.0
// Test executables that cannot run on this machine.
#pragma once

#include <string>

namespace accrete::test {

/// Why no test of this executable can run here; empty when they can. A backend sets it before
/// main(), which then ends with exit code 77: CTest reports the test as skipped, not as passed.
inline std::string& reason_to_skip() {
  static std::string reason;
  return reason;
}

}  // namespace accrete::test
