// SPDX-License-Identifier: Apache-2.0
#include "cuda/launch_limits.h"

#include <string>

#include "accrete/kernels/error.h"

namespace accrete::kernels::cuda {
namespace {

void require_at_most(const char* op, const char* name, std::uint64_t value, std::uint64_t limit) {
  if (value > limit) {
    throw Error(ErrorCode::internal, std::string("[") + op + "] launch with " + name + " " +
                                         std::to_string(value) + ", the limit is " +
                                         std::to_string(limit));
  }
}

}  // namespace

void check_launch_limits(const char* op, const Extent3& grid, const Extent3& block,
                         std::uint32_t shared_bytes) {
  require_at_most(op, "grid.x", grid.x, 0x7FFFFFFFU);
  require_at_most(op, "grid.y", grid.y, 65535);
  require_at_most(op, "grid.z", grid.z, 65535);
  require_at_most(op, "block.z", block.z, 64);
  require_at_most(op, "threads", std::uint64_t{block.x} * block.y * block.z, 1024);
  require_at_most(op, "dynamic shared bytes", shared_bytes, 227U << 10U);
}

}  // namespace accrete::kernels::cuda
