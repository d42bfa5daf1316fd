// SPDX-License-Identifier: Apache-2.0
// An ordered queue of kernel calls on one device: the first argument of every kernel.
#pragma once

#include "accrete/kernels/device.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete {

/// A cheap, non-owning handle. On the CPU calls run at once on the pool's threads.
class Stream {
 public:
  /// `pool` must outlive every call made with this stream.
  static Stream cpu(ThreadPool& pool) { return Stream(Device{DeviceKind::cpu, 0}, &pool); }

  Device device() const { return device_; }
  ThreadPool& pool() const { return *pool_; }

 private:
  Stream(Device device, ThreadPool* pool) : device_(device), pool_(pool) {}
  Device device_;
  ThreadPool* pool_;
};

}  // namespace accrete
