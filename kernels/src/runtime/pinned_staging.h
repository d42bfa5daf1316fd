// SPDX-License-Identifier: Apache-2.0
// Two page-locked buffers that uploads take turns with: while the GPU reads one, the host fills the
// other.
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>

namespace accrete::kernels::cuda {

class PinnedStaging {
 public:
  PinnedStaging() = default;
  ~PinnedStaging();
  PinnedStaging(const PinnedStaging&) = delete;
  PinnedStaging& operator=(const PinnedStaging&) = delete;

  /// Copies `host` aside and queues its copy to `device`; `host` may be reused at once. Waits only
  /// when the buffer's upload before the last one is still under way.
  void upload(cudaStream_t stream, void* device, const void* host, std::int64_t bytes);

 private:
  struct Buffer {
    void* data = nullptr;
    std::int64_t bytes = 0;
    cudaEvent_t copied = nullptr;
  };
  void upload_piece(cudaStream_t stream, void* device, const void* host, std::int64_t bytes);
  static void reserve(Buffer& buffer, std::int64_t bytes);

  std::array<Buffer, 2> buffers_;
  std::size_t next_ = 0;
};

}  // namespace accrete::kernels::cuda
