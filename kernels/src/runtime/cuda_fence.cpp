// SPDX-License-Identifier: Apache-2.0
#include "runtime/cuda_fence.h"

#include "cuda/cuda_error.h"

namespace accrete::kernels::cuda {

CudaFence::CudaFence(cudaStream_t stream) {
  check_cuda(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "fence",
             "cudaEventCreateWithFlags");
  check_cuda(cudaEventRecord(event_, stream), "fence", "cudaEventRecord");
}

CudaFence::~CudaFence() {
  cudaEventDestroy(event_);
}

void CudaFence::wait() const {
  check_cuda(cudaEventSynchronize(event_), "fence", "cudaEventSynchronize");
}

void order_after(cudaStream_t stream, const Fence* fence) {
  if (fence != nullptr) {
    const cudaEvent_t event = static_cast<const CudaFence*>(fence)->event();
    check_cuda(cudaStreamWaitEvent(stream, event, 0), "fence", "cudaStreamWaitEvent");
  }
}

}  // namespace accrete::kernels::cuda
