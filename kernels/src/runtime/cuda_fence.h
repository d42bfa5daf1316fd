// SPDX-License-Identifier: Apache-2.0
// Fences on CUDA events.
#pragma once

#include <cuda_runtime_api.h>

#include "accrete/kernels/device_runtime.h"

namespace accrete::kernels::cuda {

class CudaFence final : public Fence {
 public:
  /// The end of everything queued on `stream` so far.
  explicit CudaFence(cudaStream_t stream);
  ~CudaFence() override;
  void wait() const override;
  cudaEvent_t event() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

/// What is queued on `stream` from now on waits for `fence`, a CudaFence or null.
void order_after(cudaStream_t stream, const Fence* fence);

}  // namespace accrete::kernels::cuda
