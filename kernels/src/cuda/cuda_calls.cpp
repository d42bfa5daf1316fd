// SPDX-License-Identifier: Apache-2.0
#include "cuda/cuda_calls.h"
#include <string>

#include "accrete/kernels/error.h"

namespace accrete::kernels::cuda {

void check_cuda(cudaError_t status, const char* op, const char* call) {
  if (status == cudaSuccess) {
    return;
  }
  const bool memory = status == cudaErrorMemoryAllocation;
  throw Error(memory ? ErrorCode::out_of_memory : ErrorCode::device_failure,
              std::string("[") + op + "] " + call + " failed: " + cudaGetErrorName(status) + ", " +
                  cudaGetErrorString(status) +
                  (memory ? "; use a smaller batch size, or free memory on the GPU" : ""));
}

void check_cublas(cublasStatus_t status, const char* op, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) {
    throw Error(ErrorCode::device_failure,
                std::string("[") + op + "] " + call + " failed: " + cublasGetStatusString(status));
  }
}

namespace {

// What ask() gave for a key, asked once. Thread-safe.
template <class Key, class Value>
class AskedOnce {
 public:
  template <class Ask>
  Value get(const Key& key, const Ask& ask) {
    const std::lock_guard lock(mutex_);
    const auto known = values_.find(key);
    return known != values_.end() ? known->second : values_.emplace(key, ask()).first->second;
  }

 private:
  std::mutex mutex_;
  std::map<Key, Value> values_;
};

}  // namespace

DeviceLimits device_limits(int index) {
  static AskedOnce<int, DeviceLimits> known;
  return known.get(index, [&] {
    int bytes = 0;
    check_cuda(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, index),
               "launch", "cudaDeviceGetAttribute");
    return DeviceLimits{static_cast<std::uint32_t>(bytes)};
  });
}

KernelFacts kernel_facts(const char* op, const void* kernel, int index) {
  static AskedOnce<std::pair<int, const void*>, KernelFacts> known;
  return known.get({index, kernel}, [&] {
    cudaFuncAttributes attributes{};
    check_cuda(cudaFuncGetAttributes(&attributes, kernel), op, "cudaFuncGetAttributes");
    return KernelFacts{static_cast<std::uint32_t>(attributes.sharedSizeBytes),
                       static_cast<std::uint32_t>(attributes.maxThreadsPerBlock)};
  });
}

void allow_dynamic_shared(const char* op, const void* kernel, std::uint32_t bytes) {
  check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  static_cast<int>(bytes)),
             op, "cudaFuncSetAttribute");
}

}  // namespace accrete::kernels::cuda
