// SPDX-License-Identifier: Apache-2.0
#include "cuda/launch_limits.h"

#include <algorithm>
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

void check_shared(const char* op, std::uint32_t dynamic, const KernelFacts& kernel,
                  const DeviceLimits& device) {
  require_at_most(op, "static shared bytes", kernel.static_shared_bytes, kMostStaticSharedBytes);
  const std::uint64_t bytes = std::uint64_t{dynamic} + kMostStaticSharedBytes;
  if (bytes > device.shared_bytes_per_block) {
    throw Error(ErrorCode::unsupported,
                std::string("[") + op + "] needs " + std::to_string(bytes) +
                    " bytes of shared memory a block, this GPU has " +
                    std::to_string(device.shared_bytes_per_block) +
                    "; use a net with fewer channels, or bf16 instead of f32");
  }
}

}  // namespace

void check_launch(const char* op, const LaunchExtents& launch, const KernelFacts& kernel,
                  const DeviceLimits& device) {
  const Extent3& grid = launch.grid;
  const Extent3& block = launch.block;
  require_at_most(op, "grid.x", grid.x, 0x7FFFFFFFU);
  require_at_most(op, "grid.y", grid.y, 65535);
  require_at_most(op, "grid.z", grid.z, 65535);
  require_at_most(op, "block.z", block.z, 64);
  require_at_most(op, "threads", std::uint64_t{block.x} * block.y * block.z,
                  std::min(kernel.most_threads, 1024U));
  check_shared(op, launch.dynamic_shared_bytes, kernel, device);
}

SharedAllowances& shared_allowances() {
  static SharedAllowances allowances;
  return allowances;
}

}  // namespace accrete::kernels::cuda
