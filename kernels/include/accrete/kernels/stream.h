// SPDX-License-Identifier: Apache-2.0
// An ordered queue of kernel calls on one device: the first argument of every kernel.
#pragma once

#include <cstdint>

#include "accrete/kernels/device.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete {

namespace kernels {
struct CudaBackend;
}

/// How products of f32 tensors are computed on a GPU. The CPU is always strict.
enum class FloatMath : std::uint8_t {
  strict,  ///< f32 multiply-adds
  tf32,    ///< tensor cores: operands rounded to 10 mantissa bits, f32 sums
};

/// A cheap, non-owning handle. On the CPU calls run at once on the pool's threads; on a GPU they
/// are queued in order and return before they have run.
class Stream {
 public:
  /// `pool` must outlive every call made with this stream.
  static Stream cpu(ThreadPool& pool) {
    return Stream(Device{DeviceKind::cpu, 0}, &pool, nullptr, nullptr);
  }
  /// `native` is the caller's cudaStream_t on GPU number `index`. Clients get such a stream from
  /// kernels/cuda.h or from a DeviceRuntime, which know the backend.
  static Stream cuda(int index, void* native, const kernels::CudaBackend& backend) {
    return Stream(Device{DeviceKind::cuda, index}, nullptr, native, &backend);
  }

  Device device() const { return device_; }
  /// CPU streams only.
  ThreadPool& pool() const { return *pool_; }
  /// The cudaStream_t of a GPU stream.
  void* native() const { return native_; }
  /// The kernels behind a GPU stream; null on the CPU.
  const kernels::CudaBackend* cuda_backend() const { return backend_; }

  /// The cublasHandle_t that linear layers use; null: they run on this library's own kernels.
  void* blas() const { return blas_; }
  Stream with_blas(void* handle) const {
    Stream stream = *this;
    stream.blas_ = handle;
    return stream;
  }

  FloatMath float_math() const { return float_math_; }
  /// The same queue with another arithmetic for f32 products.
  Stream with_float_math(FloatMath math) const {
    Stream stream = *this;
    stream.float_math_ = math;
    return stream;
  }

 private:
  Stream(Device device, ThreadPool* pool, void* native, const kernels::CudaBackend* backend)
      : device_(device), pool_(pool), native_(native), backend_(backend) {}
  Device device_;
  ThreadPool* pool_;
  void* native_;
  const kernels::CudaBackend* backend_;
  void* blas_ = nullptr;
  FloatMath float_math_ = FloatMath::strict;
};

}  // namespace accrete
