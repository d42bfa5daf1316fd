// SPDX-License-Identifier: Apache-2.0
#include "cuda/cuda_error.h"

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

}  // namespace accrete::kernels::cuda
