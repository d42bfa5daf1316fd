// SPDX-License-Identifier: Apache-2.0
// Kernel tests on GPU number 0.
//
// Tensors lie in memory from cudaMalloc, not in managed memory: that is what programs use, a host
// pointer that slips into a kernel call faults, and compute-sanitizer's initcheck watches it.
// Kernel calls are asynchronous, so every copy first waits for the whole device.
#include <cuda_runtime_api.h>

#include <array>

#include "accrete/kernels/cuda.h"
#include "cuda/cuda_calls.h"
#include "cuda/test_runtime.h"
#include "kernels/backend.h"
#include "support/skip.h"

namespace accrete::test {
namespace {

using kernels::cuda::check_cuda;

void* allocate(std::size_t bytes) {
  void* memory = nullptr;
  check_cuda(cudaMalloc(&memory, bytes), "test", "cudaMalloc");
  return memory;
}

void release(void* memory) {
  cudaFree(memory);
}

void copy(void* to, const void* from, std::size_t bytes) {
  check_cuda(cudaDeviceSynchronize(), "test", "a kernel before cudaMemcpy");
  check_cuda(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "test", "cudaMemcpy");
  // A copy from pageable memory may return before its last bytes are in place, and the streams of
  // the kernels do not wait for it.
  check_cuda(cudaDeviceSynchronize(), "test", "cudaMemcpy");
}

const bool kMemoryIsChosen = [] {
  const CudaDevices gpus = cuda_devices();
  reason_to_skip() = gpus.count > 0 ? "" : gpus.reason;
  memory_space() = {{DeviceKind::cuda, 0}, &allocate, &release, &copy, &copy};
  return true;
}();

// Never destroyed: at exit the driver may be gone already.
std::array<cudaStream_t, 2> new_streams() {
  std::array<cudaStream_t, 2> streams{};
  for (cudaStream_t& stream : streams) {
    check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "test",
               "cudaStreamCreateWithFlags");
  }
  return streams;
}

std::uint32_t* new_tickets() {
  constexpr std::size_t kBytes = kTicketCount * sizeof(std::uint32_t);
  void* memory = allocate(kBytes);
  check_cuda(cudaMemset(memory, 0, kBytes), "test", "cudaMemset");
  check_cuda(cudaDeviceSynchronize(), "test", "cudaMemset");
  return static_cast<std::uint32_t*>(memory);
}

}  // namespace

// Half of the calls on each queue use its tickets.
Stream test_stream(int number) {
  static const std::array<cudaStream_t, 2> streams = new_streams();
  static const std::array<std::uint32_t*, 2> tickets = {new_tickets(), new_tickets()};
  const auto queue = static_cast<std::size_t>(number % 2);
  const Stream stream = cuda_stream(streams.at(queue));
  return number / 2 % 2 == 0 ? stream.with_tickets({tickets.at(queue), kTicketCount}) : stream;
}

std::vector<std::string> arithmetics() {
  return {"f32"};
}

Arithmetic::Arithmetic(std::size_t /*index*/) {}
Arithmetic::~Arithmetic() = default;

std::unique_ptr<DeviceRuntime> make_test_runtime() {
  return make_cuda_runtime({});
}

}  // namespace accrete::test
