// SPDX-License-Identifier: Apache-2.0
// Entry to the CUDA backend, without any CUDA header. In a library built without CUDA these say so
// with Error(unsupported); nothing else of the API changes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "accrete/kernels/device_runtime.h"
#include "accrete/kernels/stream.h"

namespace accrete {

/// A handle on the caller's cudaStream_t (null: the default stream) of GPU number `index`, for
/// calling kernels on it. Linear layers run on this library's own kernels, without cuBLAS; give the
/// stream tickets (with_tickets) to spare fused calls and batch norms a launch each.
Stream cuda_stream(void* native, int index = 0);

struct CudaDevices {
  int count = 0;
  std::string reason;  ///< why there is none
};
/// How many GPUs can be used: none without a CUDA build, a driver or a GPU. Does not throw.
CudaDevices cuda_devices();

struct CudaRuntimeOptions {
  int index = 0;
  /// The caller's cudaStream_t to work on; null: the runtime creates one of its own.
  void* stream = nullptr;
  /// The caller's allocator of device memory, both or none. `allocate` returns memory at a multiple
  /// of 256 bytes, or null when it has none.
  std::function<void*(std::int64_t bytes)> allocate;
  std::function<void(void* memory)> release;
};
/// Error(unsupported) if there is no such GPU, Error(device_failure) if it cannot be used.
std::unique_ptr<DeviceRuntime> make_cuda_runtime(const CudaRuntimeOptions& options);

}  // namespace accrete
