// SPDX-License-Identifier: Apache-2.0
// The device runtime of a GPU, on the CUDA runtime library.
#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <type_traits>

#include "accrete/kernels/cuda.h"
#include "accrete/kernels/error.h"
#include "call/backend.h"
#include "cuda/cuda_calls.h"
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

// What the runtime owns goes with it, also when a constructor throws half way.
template <auto destroy, class Handle>
struct Destroy {
  void operator()(Handle* handle) const { destroy(handle); }
};
template <class Handle, auto destroy>
using Owned =
    std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<destroy, std::remove_pointer_t<Handle>>>;
using OwnedStream = Owned<cudaStream_t, &cudaStreamDestroy>;
using OwnedEvent = Owned<cudaEvent_t, &cudaEventDestroy>;
using OwnedBlas = Owned<cublasHandle_t, &cublasDestroy>;

OwnedStream make_stream() {
  cudaStream_t stream = nullptr;
  check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "runtime",
             "cudaStreamCreateWithFlags");
  return OwnedStream(stream);
}

OwnedBlas make_blas(cudaStream_t stream) {
  cublasHandle_t handle = nullptr;
  check_cublas(cublasCreate(&handle), "runtime", "cublasCreate");
  OwnedBlas blas(handle);
  check_cublas(cublasSetStream(handle, stream), "runtime", "cublasSetStream");
  return blas;
}

// The end of everything queued on a stream so far.
class CudaFence final : public Fence {
 public:
  explicit CudaFence(cudaStream_t stream) {
    cudaEvent_t event = nullptr;
    check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "fence",
               "cudaEventCreateWithFlags");
    event_.reset(event);
    check_cuda(cudaEventRecord(event, stream), "fence", "cudaEventRecord");
  }
  void wait() const override {
    check_cuda(cudaEventSynchronize(event_.get()), "fence", "cudaEventSynchronize");
  }
  cudaEvent_t event() const { return event_.get(); }

 private:
  OwnedEvent event_;
};

// What is queued on `stream` from now on waits for `fence`, a CudaFence or null.
void wait_for(cudaStream_t stream, const Fence* fence) {
  if (fence != nullptr) {
    const cudaEvent_t event = static_cast<const CudaFence*>(fence)->event();
    check_cuda(cudaStreamWaitEvent(stream, event, 0), "fence", "cudaStreamWaitEvent");
  }
}

// Memory of a runtime that it needs for itself.
struct Release {
  DeviceRuntime* runtime;
  void operator()(void* memory) const { runtime->release(memory); }
};
using OwnedMemory = std::unique_ptr<void, Release>;

class CudaRuntime final : public DeviceRuntime {
 public:
  explicit CudaRuntime(const CudaRuntimeOptions& options) : options_(options) {
    check_cuda(cudaSetDevice(options.index), "runtime", "cudaSetDevice");
    stream_ = static_cast<cudaStream_t>(options.stream);
    if (stream_ == nullptr) {
      own_stream_ = make_stream();
      stream_ = own_stream_.get();
    }
    copy_stream_ = make_stream();
    blas_ = make_blas(stream_);
    blas_workspace_.reset(allocate(static_cast<std::int64_t>(kBlasWorkspaceBytes)));
    check_cublas(cublasSetWorkspace(blas_.get(), blas_workspace_.get(), kBlasWorkspaceBytes),
                 "runtime", "cublasSetWorkspace");
    tickets_.reset(allocate(kTicketCount * static_cast<std::int64_t>(sizeof(std::uint32_t))));
  }

  ~CudaRuntime() override {
    cudaStreamSynchronize(copy_stream_.get());
    cudaStreamSynchronize(stream_);
  }
  CudaRuntime(const CudaRuntime&) = delete;
  CudaRuntime& operator=(const CudaRuntime&) = delete;

  Stream stream() const override {
    return Stream::cuda(options_.index, stream_, kernels::cuda::backend())
        .with_blas(blas_.get())
        .with_tickets({static_cast<std::uint32_t*>(tickets_.get()), kTicketCount});
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
    OwnedMemory owned(memory, {this});
    check_cuda(cudaMemsetAsync(memory, 0, count, stream_), "runtime", "cudaMemsetAsync");
    return owned.release();
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

  std::unique_ptr<Fence> fence() override { return std::make_unique<CudaFence>(stream_); }
  std::unique_ptr<Fence> upload_beside(void* device, const void* host, std::int64_t bytes,
                                       const Fence* after) override {
    wait_for(copy_stream_.get(), after);
    beside_staging_.upload(copy_stream_.get(), device, host, bytes);
    return std::make_unique<CudaFence>(copy_stream_.get());
  }
  void order_after(const Fence* fence) override { wait_for(stream_, fence); }
  void* allocate_host(std::int64_t bytes) override {
    void* memory = nullptr;
    check_cuda(cudaMallocHost(&memory, static_cast<std::size_t>(bytes)), "runtime",
               "cudaMallocHost");
    return memory;
  }
  void release_host(void* memory) noexcept override { cudaFreeHost(memory); }

  bool can_capture() const override { return true; }
  std::unique_ptr<CapturedCalls> capture(const std::function<void()>& calls) override {
    check_cuda(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "capture",
               "cudaStreamBeginCapture");
    try {
      calls();
    } catch (...) {
      drop_capture();
      throw;
    }
    cudaGraph_t graph = nullptr;
    check_cuda(cudaStreamEndCapture(stream_, &graph), "capture", "cudaStreamEndCapture");
    cudaGraphExec_t executable = nullptr;
    const cudaError_t status = cudaGraphInstantiate(&executable, graph, 0);
    cudaGraphDestroy(graph);
    check_cuda(status, "capture", "cudaGraphInstantiate");
    return std::make_unique<CudaGraph>(executable, stream_);
  }

 private:
  // A stream that is being captured can be used for nothing else.
  void drop_capture() noexcept {
    cudaGraph_t graph = nullptr;
    if (cudaStreamEndCapture(stream_, &graph) == cudaSuccess) {
      cudaGraphDestroy(graph);
    }
    cudaGetLastError();  // the exception under way says what went wrong
  }

  // Destroyed in reverse: uploads before their streams, cuBLAS before its workspace.
  CudaRuntimeOptions options_;
  OwnedStream own_stream_;  // if the caller has given none
  cudaStream_t stream_ = nullptr;
  OwnedStream copy_stream_;
  OwnedMemory tickets_{nullptr, {this}};
  OwnedMemory blas_workspace_{nullptr, {this}};
  OwnedBlas blas_;
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
