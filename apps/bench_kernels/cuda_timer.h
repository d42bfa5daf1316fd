// SPDX-License-Identifier: Apache-2.0
// Time of a GPU's work between events on its stream.
#pragma once

#include <benchmark/benchmark.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <vector>

#include "accrete/kernels/device_runtime.h"
#include "bench_case.h"
#include "workbench.h"

namespace accrete::bench {

class CudaEvent {
 public:
  CudaEvent();
  ~CudaEvent() { cudaEventDestroy(event_); }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;

  void record(const Stream& stream) const;
  /// From `begin` to this, which the device must have reached.
  double seconds_since(const CudaEvent& begin) const;

 private:
  cudaEvent_t event_ = nullptr;
};

/// Empties the L2 cache: a buffer of twice its size is written, and another one read, so that what
/// is left need not be written back while the next call runs.
class CacheFlush {
 public:
  /// `l2_bytes`: size of the cache.
  CacheFlush(DeviceRuntime& runtime, std::int64_t l2_bytes);
  void operator()() const;

 private:
  Workbench bench_;
  TensorView written_, read_, means_;
};

class CudaTimer {
 public:
  CudaTimer(DeviceRuntime& runtime, std::int64_t l2_bytes);

  /// Calls back to back, recorded once and replayed, so that launches by the host cost no time.
  void warm(benchmark::State& state, const Call& call) const;
  /// Each call after a flush, which is not timed and gives the host time to queue the call.
  void cold(benchmark::State& state, const Call& call) const;
  /// The fastest of `tries` single calls.
  double fastest(int tries, const Call& call) const;

 private:
  struct Span {
    CudaEvent begin, end;
  };
  static constexpr std::size_t kCallsPerBatch = 16;

  DeviceRuntime& runtime_;
  CacheFlush flush_;
  std::vector<Span> spans_;
};

}  // namespace accrete::bench
