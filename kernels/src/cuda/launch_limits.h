// SPDX-License-Identifier: Apache-2.0
// The limits of a kernel launch, checked before the driver would refuse it with less to say, and
// the shared memory that kernels have been allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

namespace accrete::kernels::cuda {

struct Extent3 {
  std::uint32_t x, y, z;
};

struct LaunchExtents {
  Extent3 grid, block;
  std::uint32_t dynamic_shared_bytes;
};

/// Every kernel's arrays of shared memory take at most so much, so that what is left for the
/// dynamic part is known without asking a driver.
constexpr std::uint32_t kMostStaticSharedBytes = 6U << 10U;
/// A kernel must be allowed more than 48 KiB, static and dynamic together; asking early is free.
constexpr std::uint32_t kAllowSharedFrom = 32U << 10U;
/// From CUDA 12.1 on, which this library needs.
constexpr std::size_t kMostParameterBytes = 32764;

/// What a GPU allows: static and dynamic shared memory of a block, 163 KiB (sm_80), 99 KiB (sm_86
/// and sm_89) or 227 KiB (sm_90).
struct DeviceLimits {
  std::uint32_t shared_bytes_per_block;
};

/// What the compiler has made of a kernel.
struct KernelFacts {
  std::uint32_t static_shared_bytes;
  std::uint32_t most_threads;  ///< of a block: its registers times these fit
};

/// Throws Error(internal) naming the extent at fault: 2^31-1 blocks in x and 65535 in y and z, 64
/// threads in z and as many in all as registers allow, the static shared memory above. Throws
/// Error(unsupported) when this GPU has too little shared memory for a block.
void check_launch(const char* op, const LaunchExtents& launch, const KernelFacts& kernel,
                  const DeviceLimits& device);

/// The dynamic shared memory that kernels have been allowed so far, per device. It only ever grows:
/// a driver may check a captured launch again when its graph is replayed or updated.
class SharedAllowances {
 public:
  /// Calls allow() if the kernel may need to be allowed `bytes`, and has not been. Thread-safe.
  template <class Allow>
  void raise(int device, const void* kernel, std::uint32_t bytes, const Allow& allow) {
    if (bytes < kAllowSharedFrom) {
      return;
    }
    const std::lock_guard lock(mutex_);
    std::uint32_t& allowed = allowed_[{device, kernel}];
    if (bytes > allowed) {
      allow();
      allowed = bytes;
    }
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<int, const void*>, std::uint32_t> allowed_;
};

/// Those of this process.
SharedAllowances& shared_allowances();

/// Bytes of a kernel's parameters, laid out like the members of a struct.
template <class... P>
constexpr std::size_t parameter_bytes() {
  std::size_t end = 0;
  ((end = (end + alignof(P) - 1) / alignof(P) * alignof(P) + sizeof(P)), ...);
  return end;
}

}  // namespace accrete::kernels::cuda
