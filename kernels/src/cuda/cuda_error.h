// SPDX-License-Identifier: Apache-2.0
// Turns the status of a CUDA runtime or cuBLAS call into an Error that names the op and the call.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

namespace accrete::kernels::cuda {

/// Throws Error(out_of_memory) or Error(device_failure) unless `status` is success.
void check_cuda(cudaError_t status, const char* op, const char* call);
void check_cublas(cublasStatus_t status, const char* op, const char* call);

}  // namespace accrete::kernels::cuda
