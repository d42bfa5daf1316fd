// SPDX-License-Identifier: Apache-2.0
// The limits of a kernel launch that hold for every GPU from sm_80 on.
#pragma once

#include <cstdint>

namespace accrete::kernels::cuda {

struct Extent3 {
  std::uint32_t x, y, z;
};

/// Throws Error(internal) naming the extent at fault: at most 1024 threads a block (64 in z),
/// 2^31-1 blocks in x and 65535 in y and z, 227 KiB of dynamic shared memory.
void check_launch_limits(const char* op, const Extent3& grid, const Extent3& block,
                         std::uint32_t shared_bytes);

}  // namespace accrete::kernels::cuda
