// SPDX-License-Identifier: Apache-2.0
#include "launch_check.h"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "accrete/kernels/error.h"

namespace simt {
namespace {

constexpr std::size_t kSharedUnlessAllowed = std::size_t{48} << 10U;

struct Kernel {
  std::size_t allowed_dynamic = 0;
  std::size_t static_bytes = 0;
};

class Kernels {
 public:
  Kernel get(const void* kernel) {
    const std::lock_guard lock(mutex_);
    return kernels_[kernel];
  }
  template <class Change>
  void change(const void* kernel, const Change& change) {
    const std::lock_guard lock(mutex_);
    change(kernels_[kernel]);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<const void*, Kernel> kernels_;
};

Kernels& kernels() {
  static Kernels all;
  return all;
}

DeviceLimits& limits_of_this_thread() {
  thread_local DeviceLimits limits = kSm90;
  return limits;
}

std::string exceeds(const char* what, std::uint64_t value, std::uint64_t limit) {
  return value <= limit ? ""
                        : std::string(what) + " " + std::to_string(value) + ", " +
                              device_limits().name + " allows " + std::to_string(limit);
}

}  // namespace

void set_device_limits(const DeviceLimits& limits) {
  limits_of_this_thread() = limits;
}

const DeviceLimits& device_limits() {
  return limits_of_this_thread();
}

void allow_dynamic_shared(const void* kernel, std::size_t bytes) {
  const std::size_t whole = kernels().get(kernel).static_bytes + bytes;
  if (const std::string broken =
          exceeds("shared bytes", whole, device_limits().shared_bytes_per_block);
      !broken.empty()) {
    throw accrete::Error(accrete::ErrorCode::device_failure, "[allow_dynamic_shared] " + broken);
  }
  kernels().change(kernel, [&](Kernel& known) { known.allowed_dynamic = bytes; });
}

std::size_t static_shared_bytes(const void* kernel) {
  return kernels().get(kernel).static_bytes;
}

void learn_static_shared(const void* kernel, std::size_t bytes) {
  kernels().change(
      kernel, [&](Kernel& known) { known.static_bytes = std::max(known.static_bytes, bytes); });
}

std::size_t shared_limit(const Grid& grid) {
  return grid.dynamic_shared_bytes <= kernels().get(grid.kernel).allowed_dynamic
             ? device_limits().shared_bytes_per_block
             : kSharedUnlessAllowed;
}

std::string broken_limit(const Grid& grid) {
  const std::uint64_t threads = std::uint64_t{grid.block.x} * grid.block.y * grid.block.z;
  const std::size_t shared = static_shared_bytes(grid.kernel) + grid.dynamic_shared_bytes;
  for (const std::string& broken :
       {exceeds("blocks in x", grid.grid.x, 0x7FFFFFFFU),
        exceeds("blocks in y", grid.grid.y, 65535), exceeds("blocks in z", grid.grid.z, 65535),
        exceeds("threads", threads, 1024), exceeds("threads in z", grid.block.z, 64),
        exceeds("bytes of parameters", grid.parameter_bytes, 32764),
        exceeds("shared bytes", shared, shared_limit(grid))}) {
    if (!broken.empty()) {
      return broken;
    }
  }
  return threads == 0 ? "no threads" : "";
}

}  // namespace simt
