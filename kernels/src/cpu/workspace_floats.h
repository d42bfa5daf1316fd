// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "accrete/kernels/call.h"

namespace accrete::kernels::cpu {

inline std::size_t float_bytes(std::int64_t count) {
  return static_cast<std::size_t>(count) * sizeof(float);
}

/// Hands out a workspace piece by piece. Pieces of a multiple of 16 floats keep the 64-byte
/// alignment of its start.
class WorkspaceFloats {
 public:
  explicit WorkspaceFloats(const Workspace& workspace)
      : next_(static_cast<float*>(workspace.data)) {}

  float* take(std::int64_t count) {
    float* const piece = next_;
    next_ += count;
    return piece;
  }

 private:
  float* next_;
};

}  // namespace accrete::kernels::cpu
