// SPDX-License-Identifier: Apache-2.0
// The GPU whose limits launches must keep to (CUDA C++ Programming Guide, "Technical Specifications
// per Compute Capability"), and what its driver keeps of kernels.
#pragma once

#include <cstddef>

namespace simt {

struct DeviceLimits {
  const char* name;
  /// Static and dynamic shared memory of a block, of kernels that have been allowed it.
  std::size_t shared_bytes_per_block;
};

inline constexpr DeviceLimits kSm80{"sm_80", std::size_t{163} << 10U};
inline constexpr DeviceLimits kSm89{"sm_89", std::size_t{99} << 10U};
inline constexpr DeviceLimits kSm90{"sm_90", std::size_t{227} << 10U};

/// Of this OS thread's launches from now on; sm_90 at first.
void set_device_limits(const DeviceLimits& limits);
const DeviceLimits& device_limits();

/// What cudaFuncSetAttribute does: launches of the kernel may have so much dynamic shared memory
/// from now on, and no more, also those that were recorded before. Throws Error(device_failure)
/// when the device has less.
void allow_dynamic_shared(const void* kernel, std::size_t bytes);

/// The shared arrays that blocks of the kernel have declared so far. (A compiler knows those that
/// no block has come to, too.)
std::size_t static_shared_bytes(const void* kernel);

}  // namespace simt
