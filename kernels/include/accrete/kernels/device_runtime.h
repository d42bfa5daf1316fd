// SPDX-License-Identifier: Apache-2.0
// What a training engine needs from a device besides kernels: memory, copies between host and
// device, one stream, and capturing a sequence of kernel calls for replay.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete {

/// Kernel calls recorded once, launched as a whole with the arguments of the recording.
class CapturedCalls {
 public:
  CapturedCalls() = default;
  CapturedCalls(const CapturedCalls&) = delete;
  CapturedCalls& operator=(const CapturedCalls&) = delete;
  virtual ~CapturedCalls() = default;
  /// Queues all calls on the runtime's stream.
  virtual void launch() = 0;
};

/// A point in the work of a device.
class Fence {
 public:
  Fence() = default;
  Fence(const Fence&) = delete;
  Fence& operator=(const Fence&) = delete;
  virtual ~Fence() = default;
  /// Returns when the device has reached it.
  virtual void wait() const = 0;
};

/// One device with one stream. Failures of the device throw Error(device_failure), memory that it
/// refuses Error(out_of_memory). Not safe for use by several threads at once.
class DeviceRuntime {
 public:
  DeviceRuntime() = default;
  DeviceRuntime(const DeviceRuntime&) = delete;
  DeviceRuntime& operator=(const DeviceRuntime&) = delete;
  virtual ~DeviceRuntime() = default;

  /// The queue that all calls below are ordered with.
  virtual Stream stream() const = 0;
  /// Model and size for reports, e.g. "NVIDIA H200, 132 SMs, 141 GB".
  virtual std::string description() const = 0;
  /// Bytes that allocate() can be expected to get now.
  virtual std::int64_t free_bytes() const = 0;
  /// Whether device memory can be read and written by the host: then upload and download are not
  /// needed, and memory of both kinds is the same.
  virtual bool shares_host_memory() const = 0;

  /// Zeroed memory at a multiple of 256 bytes. Release with release().
  virtual void* allocate(std::int64_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;

  /// Copies host memory to the device in stream order. `host` may be reused when this returns.
  virtual void upload(void* device, const void* host, std::int64_t bytes) = 0;
  /// Copies device memory to the host in stream order; `host` is valid after synchronize().
  virtual void download(void* host, const void* device, std::int64_t bytes) = 0;
  /// Waits for everything queued so far.
  virtual void synchronize() = 0;

  // Copies beside computation. The defaults are for devices that run calls at once.

  /// The point where everything queued on stream() so far is done; null when it already is.
  virtual std::unique_ptr<Fence> fence();
  /// Copies host memory to the device beside what stream() does, beginning when `after` (null: no
  /// matter when) is reached. `host` may be reused when this returns. Returns the end of the copy,
  /// null when it is there.
  virtual std::unique_ptr<Fence> upload_beside(void* device, const void* host, std::int64_t bytes,
                                               const Fence* after);
  /// What is queued on stream() from now on waits for `fence`, which this runtime must have made.
  virtual void order_after(const Fence* fence);
  /// Host memory that downloads fill while the host goes on. Release with release_host().
  virtual void* allocate_host(std::int64_t bytes);
  virtual void release_host(void* memory) noexcept;

  /// Whether capture works; if not it throws Error(unsupported).
  virtual bool can_capture() const = 0;
  /// Kernel calls that `calls` makes on stream() are recorded instead of run. When it throws, the
  /// recording is dropped and the stream as before.
  virtual std::unique_ptr<CapturedCalls> capture(const std::function<void()>& calls) = 0;
};

/// The CPU. Memory ends at a guard page: a kernel that runs over its plan faults at once instead
/// of corrupting something. Huge pages are asked for where the system has them. `pool` must outlive
/// the runtime.
std::unique_ptr<DeviceRuntime> make_cpu_runtime(ThreadPool& pool);

}  // namespace accrete
