// SPDX-License-Identifier: Apache-2.0
// The entries of cuda.h in a library that was built without CUDA.
#include "accrete/kernels/cuda.h"
#include "accrete/kernels/error.h"

namespace accrete {
namespace {

constexpr const char* kReason = "this build has no CUDA backend";

[[noreturn]] void refuse() {
  throw Error(ErrorCode::unsupported,
              std::string("[cuda] ") + kReason + "; configure with -DACCRETE_ENABLE_CUDA=ON");
}

}  // namespace

Stream cuda_stream(void* /*native*/, int /*index*/) {
  refuse();
}

CudaDevices cuda_devices() {
  return {0, kReason};
}

std::unique_ptr<DeviceRuntime> make_cuda_runtime(const CudaRuntimeOptions& /*options*/) {
  refuse();
}

}  // namespace accrete
