// SPDX-License-Identifier: Apache-2.0
#include "runtime/pinned_staging.h"

#include <algorithm>
#include <cstring>

#include "cuda/cuda_calls.h"

namespace accrete::kernels::cuda {

PinnedStaging::~PinnedStaging() {
  for (const Buffer& buffer : buffers_) {
    if (buffer.copied != nullptr) {
      cudaEventSynchronize(buffer.copied);
      cudaEventDestroy(buffer.copied);
      cudaFreeHost(buffer.data);
    }
  }
}

void PinnedStaging::reserve(Buffer& buffer, std::int64_t bytes) {
  if (buffer.copied == nullptr) {
    check_cuda(cudaEventCreateWithFlags(&buffer.copied, cudaEventDisableTiming), "upload",
               "cudaEventCreateWithFlags");
  }
  check_cuda(cudaEventSynchronize(buffer.copied), "upload", "cudaEventSynchronize");
  if (buffer.bytes < bytes) {
    cudaFreeHost(buffer.data);
    buffer.data = nullptr;
    buffer.bytes = 0;
    check_cuda(cudaMallocHost(&buffer.data, static_cast<std::size_t>(bytes)), "upload",
               "cudaMallocHost");
    buffer.bytes = bytes;
  }
}

void PinnedStaging::upload(cudaStream_t stream, void* device, const void* host,
                           std::int64_t bytes) {
  // Page-locked memory is scarce: large uploads go through it piece by piece.
  constexpr std::int64_t kPiece = std::int64_t{16} << 20;
  for (std::int64_t done = 0; done < bytes; done += kPiece) {
    upload_piece(stream, static_cast<char*>(device) + done, static_cast<const char*>(host) + done,
                 std::min(kPiece, bytes - done));
  }
}

void PinnedStaging::upload_piece(cudaStream_t stream, void* device, const void* host,
                                 std::int64_t bytes) {
  Buffer& buffer = buffers_[next_];
  next_ = (next_ + 1) % buffers_.size();
  reserve(buffer, bytes);
  const auto count = static_cast<std::size_t>(bytes);
  std::memcpy(buffer.data, host, count);
  check_cuda(cudaMemcpyAsync(device, buffer.data, count, cudaMemcpyHostToDevice, stream), "upload",
             "cudaMemcpyAsync");
  check_cuda(cudaEventRecord(buffer.copied, stream), "upload", "cudaEventRecord");
}

}  // namespace accrete::kernels::cuda
