// SPDX-License-Identifier: Apache-2.0
// The device runtime of a GPU, on the CUDA runtime library.
#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <utility>

#include "accrete/kernels/cuda.h"
#include "accrete/kernels/error.h"
#include "call/backend.h"
#include "cuda/cuda_error.h"
#include "runtime/cuda_fence.h"
#include "runtime/pinned_staging.h"

namespace accrete {
namespace {

using kernels::cuda::check_cublas;
using kernels::cuda::check_cuda;

// A captured graph launches its kernels with the memory cuBLAS had at capture, so cuBLAS gets a
// workspace of its own for good. 32 MiB is what NVIDIA recommends for Hopper.
constexpr std::size_t kBlasWorkspaceBytes = std::size_t{32} << 20U;

class CudaGraph final : public CapturedCalls {
 public:
  CudaGraph(cudaGraphExec_t graph, cudaStream_t stream) : graph_(graph), stream_(stream) {}
  ~CudaGraph() override { cudaGraphExecDestroy(graph_); }
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;
  void launch() override {
    check_cuda(cudaGraphLaunch(graph_, stream_), "replay", "cudaGraphLaunch");
  }

 private:
  cudaGraphExec_t graph_;
  cudaStream_t stream_;
};

class CudaRuntime final : public DeviceRuntime {
 public:
  explicit CudaRuntime(const CudaRuntimeOptions& options) : options_(options) {
    check_cuda(cudaSetDevice(options.index), "runtime", "cudaSetDevice");
    stream_ = static_cast<cudaStream_t>(options.stream);
    if (stream_ == nullptr) {
      check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "runtime",
                 "cudaStreamCreateWithFlags");
    }
    check_cuda(cudaStreamCreateWithFlags(&copy_stream_, cudaStreamNonBlocking), "runtime",
               "cudaStreamCreateWithFlags");
    create_blas();
    tickets_ = allocate(kTicketCount * static_cast<std::int64_t>(sizeof(std::uint32_t)));
  }

  ~CudaRuntime() override {
    cudaStreamSynchronize(copy_stream_);
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(copy_stream_);
    cublasDestroy(blas_);
    release(blas_workspace_);
    release(tickets_);
    if (options_.stream == nullptr) {
      cudaStreamDestroy(stream_);
    }
  }
  CudaRuntime(const CudaRuntime&) = delete;
  CudaRuntime& operator=(const CudaRuntime&) = delete;

  Stream stream() const override {
    return Stream::cuda(options_.index, stream_, kernels::cuda::backend())
        .with_blas(blas_)
        .with_tickets({static_cast<std::uint32_t*>(tickets_), kTicketCount});
  }

  std::string description() const override {
    cudaDeviceProp properties;
    check_cuda(cudaGetDeviceProperties(&properties, options_.index), "runtime",
               "cudaGetDeviceProperties");
    return std::string(properties.name) + ", " + std::to_string(properties.multiProcessorCount) +
           " SMs, " + std::to_string(properties.totalGlobalMem >> 30U) + " GiB";
  }

  std::int64_t free_bytes() const override {
    std::size_t free = 0;
    std::size_t total = 0;
    check_cuda(cudaMemGetInfo(&free, &total), "runtime", "cudaMemGetInfo");
    return static_cast<std::int64_t>(free);
  }

  bool shares_host_memory() const override { return false; }

  void* allocate(std::int64_t bytes) override {
    const auto count = static_cast<std::size_t>(bytes);
    void* memory = nullptr;
    if (options_.allocate) {
      memory = options_.allocate(bytes);
      if (memory == nullptr) {
        throw Error(ErrorCode::out_of_memory, "[runtime] the caller's allocator has no " +
                                                  std::to_string(bytes >> 20) +
                                                  " MiB; use a smaller batch size");
      }
    } else {
      check_cuda(cudaMalloc(&memory, count), "runtime", "cudaMalloc");
    }
    check_cuda(cudaMemsetAsync(memory, 0, count, stream_), "runtime", "cudaMemsetAsync");
    return memory;
  }

  void release(void* memory) noexcept override {
    if (options_.release) {
      options_.release(memory);
    } else {
      cudaFree(memory);
    }
  }

  void upload(void* device, const void* host, std::int64_t bytes) override {
    staging_.upload(stream_, device, host, bytes);
  }
  void download(void* host, const void* device, std::int64_t bytes) override {
    check_cuda(cudaMemcpyAsync(host, device, static_cast<std::size_t>(bytes),
                               cudaMemcpyDeviceToHost, stream_),
               "download", "cudaMemcpyAsync");
  }
  void synchronize() override {
    check_cuda(cudaStreamSynchronize(stream_), "synchronize", "cudaStreamSynchronize");
  }

  std::unique_ptr<Fence> fence() override {
    return std::make_unique<kernels::cuda::CudaFence>(stream_);
  }
  std::unique_ptr<Fence> upload_beside(void* device, const void* host, std::int64_t bytes,
                                       const Fence* after) override {
    kernels::cuda::order_after(copy_stream_, after);
    beside_staging_.upload(copy_stream_, device, host, bytes);
    return std::make_unique<kernels::cuda::CudaFence>(copy_stream_);
  }
  void order_after(const Fence* fence) override { kernels::cuda::order_after(stream_, fence); }
  void* allocate_host(std::int64_t bytes) override {
    void* memory = nullptr;
    check_cuda(cudaMallocHost(&memory, static_cast<std::size_t>(bytes)), "runtime",
               "cudaMallocHost");
    return memory;
  }
  void release_host(void* memory) noexcept override { cudaFreeHost(memory); }

  bool can_capture() const override { return true; }
  void begin_capture() override {
    check_cuda(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "capture",
               "cudaStreamBeginCapture");
  }
  std::unique_ptr<CapturedCalls> end_capture() override {
    cudaGraph_t graph = nullptr;
    check_cuda(cudaStreamEndCapture(stream_, &graph), "capture", "cudaStreamEndCapture");
    cudaGraphExec_t executable = nullptr;
    const cudaError_t status = cudaGraphInstantiate(&executable, graph, 0);
    cudaGraphDestroy(graph);
    check_cuda(status, "capture", "cudaGraphInstantiate");
    return std::make_unique<CudaGraph>(executable, stream_);
  }

 private:
  void create_blas() {
    check_cublas(cublasCreate(&blas_), "runtime", "cublasCreate");
    check_cublas(cublasSetStream(blas_, stream_), "runtime", "cublasSetStream");
    blas_workspace_ = allocate(static_cast<std::int64_t>(kBlasWorkspaceBytes));
    check_cublas(cublasSetWorkspace(blas_, blas_workspace_, kBlasWorkspaceBytes), "runtime",
                 "cublasSetWorkspace");
  }

  CudaRuntimeOptions options_;
  cudaStream_t stream_ = nullptr;
  cudaStream_t copy_stream_ = nullptr;
  cublasHandle_t blas_ = nullptr;
  void* blas_workspace_ = nullptr;
  void* tickets_ = nullptr;
  kernels::cuda::PinnedStaging staging_;         // of stream_
  kernels::cuda::PinnedStaging beside_staging_;  // of copy_stream_
};

}  // namespace

Stream cuda_stream(void* native, int index) {
  return Stream::cuda(index, native, kernels::cuda::backend());
}

CudaDevices cuda_devices() {
  CudaDevices devices;
  const cudaError_t status = cudaGetDeviceCount(&devices.count);
  if (status != cudaSuccess) {
    devices.count = 0;
    devices.reason = std::string("no usable GPU: ") + cudaGetErrorString(status);
    cudaGetLastError();  // the failure must not surface in somebody else's check
  } else if (devices.count == 0) {
    devices.reason = "this machine has no GPU";
  }
  return devices;
}

std::unique_ptr<DeviceRuntime> make_cuda_runtime(const CudaRuntimeOptions& options) {
  const CudaDevices devices = cuda_devices();
  if (options.index < 0 || options.index >= devices.count) {
    throw Error(ErrorCode::unsupported,
                "[cuda] there is no gpu(" + std::to_string(options.index) + "): " +
                    (devices.count == 0 ? devices.reason
                                        : std::to_string(devices.count) + " GPUs are present"));
  }
  return std::make_unique<CudaRuntime>(options);
}

}  // namespace accrete
