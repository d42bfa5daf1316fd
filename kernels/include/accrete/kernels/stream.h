// SPDX-License-Identifier: Apache-2.0
// An ordered queue of kernel calls on one device: the first argument of every kernel.
#pragma once

#include <cstdint>

#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete {

namespace kernels {
struct Backend;
const Backend& cpu_backend();
}  // namespace kernels

/// How products of f32 tensors are computed on a GPU. The CPU is always strict.
enum class FloatMath : std::uint8_t {
  strict,  ///< f32 multiply-adds
  tf32,    ///< tensor cores: operands rounded to 10 mantissa bits, f32 sums
};

/// Counters in a GPU's memory by which the blocks of a kernel learn which of them is the last one
/// to finish. They are zero before a call and zero again when its kernels have run, so all calls of
/// one queue share them. After a failure of the device they are not.
struct Tickets {
  std::uint32_t* counters = nullptr;
  std::int64_t count = 0;
};
/// Enough for every layer of the published DenseNets.
constexpr std::int64_t kTicketCount = 4096;

/// A cheap, non-owning handle. On the CPU calls run at once on the pool's threads; on a GPU they
/// are queued in order and return before they have run.
class Stream {
 public:
  /// `pool` must outlive every call made with this stream.
  static Stream cpu(ThreadPool& pool) {
    return Stream(Device{DeviceKind::cpu, 0}, &pool, nullptr, kernels::cpu_backend());
  }
  /// `native` is the caller's cudaStream_t on GPU number `index`. Clients get such a stream from
  /// kernels/cuda.h or from a DeviceRuntime, which know the backend.
  static Stream cuda(int index, void* native, const kernels::Backend& backend) {
    return Stream(Device{DeviceKind::cuda, index}, nullptr, native, backend);
  }

  Device device() const { return device_; }
  /// CPU streams only.
  ThreadPool& pool() const { return *pool_; }
  /// The cudaStream_t of a GPU stream.
  void* native() const { return native_; }
  /// The kernels of the device.
  const kernels::Backend& backend() const { return *backend_; }

  /// The cublasHandle_t that linear layers (1x1 convolutions of 1x1 images) use; null: they run on
  /// this library's own kernels.
  void* blas() const { return blas_; }
  Stream with_blas(void* handle) const {
    Stream stream = *this;
    stream.blas_ = handle;
    return stream;
  }

  Tickets tickets() const { return tickets_; }
  /// Of this queue alone, zeroed by the caller once. Where a stream has none, or too few, calls
  /// that need some take them from their workspace and zero them by a launch of their own.
  Stream with_tickets(Tickets tickets) const {
    Stream stream = *this;
    stream.tickets_ = tickets;
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
  Stream(Device device, ThreadPool* pool, void* native, const kernels::Backend& backend)
      : device_(device), pool_(pool), native_(native), backend_(&backend) {}
  Device device_;
  ThreadPool* pool_;
  void* native_;
  const kernels::Backend* backend_;
  void* blas_ = nullptr;
  Tickets tickets_;
  FloatMath float_math_ = FloatMath::strict;
};

}  // namespace accrete
