// SPDX-License-Identifier: Apache-2.0
// What the CUDA runtime is asked, and what becomes of its answers.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include "cuda/launch_limits.h"

namespace accrete::kernels::cuda {

/// Throws Error(out_of_memory) or Error(device_failure) unless `status` is success.
void check_cuda(cudaError_t status, const char* op, const char* call);
void check_cublas(cublasStatus_t status, const char* op, const char* call);

/// Of GPU number `index`. Asked once.
DeviceLimits device_limits(int index);

/// Of a kernel on the current device, GPU number `index`. Asked once; the first time loads the
/// kernel. `op` names the caller in errors.
KernelFacts kernel_facts(const char* op, const void* kernel, int index);

/// Allows the kernel so much dynamic shared memory on the current device.
void allow_dynamic_shared(const char* op, const void* kernel, std::uint32_t bytes);

}  // namespace accrete::kernels::cuda
