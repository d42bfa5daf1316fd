// SPDX-License-Identifier: Apache-2.0
#include "cuda_timer.h"

#include <algorithm>

#include "accrete/kernels/elementwise.h"
#include "accrete/kernels/error.h"
#include "accrete/kernels/pool.h"
#include "cuda/cuda_calls.h"

namespace accrete::bench {
namespace {

using kernels::cuda::check_cuda;

cudaStream_t native(const Stream& stream) {
  return static_cast<cudaStream_t>(stream.native());
}

// The calls as one graph.
std::unique_ptr<CapturedCalls> record(DeviceRuntime& runtime, const Call& call, std::size_t count) {
  return runtime.capture([&] {
    for (std::size_t i = 0; i < count; ++i) {
      call();
    }
  });
}

// Images of 8x8 pixels and 256 channels, 64 KiB each, whose means are 1/64 of what is read.
Shape flushed_shape(std::int64_t bytes) {
  constexpr std::int64_t kImageBytes = std::int64_t{8} * 8 * 256 * 4;
  return {(bytes + kImageBytes - 1) / kImageBytes, 8, 8, 256};
}

}  // namespace

CudaEvent::CudaEvent() {
  check_cuda(cudaEventCreate(&event_), "bench", "cudaEventCreate");
}

void CudaEvent::record(const Stream& stream) const {
  check_cuda(cudaEventRecord(event_, native(stream)), "bench", "cudaEventRecord");
}

double CudaEvent::seconds_since(const CudaEvent& begin) const {
  float milliseconds = 0.0F;
  check_cuda(cudaEventElapsedTime(&milliseconds, begin.event_, event_), "bench",
             "cudaEventElapsedTime");
  return 1e-3 * static_cast<double>(milliseconds);
}

CacheFlush::CacheFlush(DeviceRuntime& runtime, std::int64_t l2_bytes)
    : bench_(runtime, Arithmetic::f32),
      written_(bench_.zeros(flushed_shape(2 * l2_bytes), DType::f32)),
      read_(bench_.zeros(written_.shape, DType::f32)),
      means_(bench_.zeros({written_.shape.n, 1, 1, written_.shape.c}, DType::f32)) {}

void CacheFlush::operator()() const {
  kernels::run(bench_.stream(), kernels::Fill{written_, 1.0F});
  kernels::run(bench_.stream(), kernels::GlobalAveragePoolForward{.x = read_, .y = means_});
}

CudaTimer::CudaTimer(DeviceRuntime& runtime, std::int64_t l2_bytes)
    : runtime_(runtime), flush_(runtime, l2_bytes), spans_(kCallsPerBatch) {}

void CudaTimer::warm(benchmark::State& state, const Call& call) const {
  call();  // whatever is loaded or chosen at a first call must not happen while recording
  runtime_.synchronize();
  const auto calls = record(runtime_, call, kCallsPerBatch);
  calls->launch();
  const Span& span = spans_.front();
  while (state.KeepRunningBatch(kCallsPerBatch)) {
    span.begin.record(runtime_.stream());
    calls->launch();
    span.end.record(runtime_.stream());
    runtime_.synchronize();
    state.SetIterationTime(span.end.seconds_since(span.begin));
  }
}

void CudaTimer::cold(benchmark::State& state, const Call& call) const {
  call();
  while (state.KeepRunningBatch(kCallsPerBatch)) {
    for (const Span& span : spans_) {
      flush_();
      span.begin.record(runtime_.stream());
      call();
      span.end.record(runtime_.stream());
    }
    runtime_.synchronize();
    double seconds = 0.0;
    for (const Span& span : spans_) {
      seconds += span.end.seconds_since(span.begin);
    }
    state.SetIterationTime(seconds);
  }
}

double CudaTimer::fastest(int tries, const Call& call) const {
  const Span& span = spans_.front();
  double best = 1e30;
  call();
  for (int i = 0; i < tries; ++i) {
    span.begin.record(runtime_.stream());
    call();
    span.end.record(runtime_.stream());
    runtime_.synchronize();
    best = std::min(best, span.end.seconds_since(span.begin));
  }
  return best;
}

}  // namespace accrete::bench
