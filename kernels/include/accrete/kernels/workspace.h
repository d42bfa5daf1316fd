// SPDX-License-Identifier: Apache-2.0
// Scratch memory of a kernel call. Kernels never allocate: `<op>_workspace_bytes(problem)` says at
// plan time what a call needs, and the call receives at least that much. Contents are undefined on
// entry and on return. The start is 64-byte aligned.
#pragma once

#include <cstddef>

namespace accrete {

struct Workspace {
  void* data = nullptr;
  std::size_t bytes = 0;
};

}  // namespace accrete
