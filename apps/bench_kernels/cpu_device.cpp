// SPDX-License-Identifier: Apache-2.0
// The CPU in a benchmark run: wall-clock time of the calls one after the other, caches as the
// previous call left them.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <map>

#include "bench_device.h"
#include "yardsticks.h"

namespace accrete::bench {
namespace {

// Best of several tries.
double seconds_of(const Call& call) {
  constexpr int kTries = 8;
  double best = 1e30;
  for (int i = 0; i < kTries; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    call();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    best = std::min(best, elapsed.count());
  }
  return best;
}

// Name, family and model: in a virtual machine the name alone may be that of many.
std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  std::map<std::string, std::string> first;  // the lines of processor 0
  for (std::string line; std::getline(info, line) && !line.empty();) {
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && colon + 2 < line.size()) {
      first[line.substr(0, line.find('\t'))] = line.substr(colon + 2);
    }
  }
  if (first.count("model name") == 0) {
    return "unknown";
  }
  return first["model name"] + " (family " + first["cpu family"] + ", model " + first["model"] +
         ")";
}

// Twice the bytes of a copy too large for any cache; what a store reads first does not count.
double copy_rate(DeviceRuntime& runtime, ThreadPool& pool) {
  constexpr std::int64_t kChunk = 1 << 20;
  constexpr std::int64_t kChunks = 256;
  Workbench bench(runtime, Arithmetic::f32);
  auto* from = bench.zeros({kChunks, 1, 1, kChunk}, DType::u8).u8();
  auto* to = bench.zeros({kChunks, 1, 1, kChunk}, DType::u8).u8();
  const double seconds = seconds_of([&] {
    pool.parallel_for(kChunks, [&](std::int64_t chunk) {
      std::memcpy(to + chunk * kChunk, from + chunk * kChunk, std::size_t{kChunk});
    });
  });
  return 2.0 * static_cast<double>(kChunk * kChunks) / seconds;
}

// Of the 2048^3 product of a yardstick in f32.
double gemm_rate(DeviceRuntime& runtime, const ConvYardstick& yardstick) {
  ConvShape shape;
  shape.problem.N = shape.problem.C = shape.problem.K = 2048;
  Workbench bench(runtime, Arithmetic::f32);
  const ConvTensors tensors(bench, shape, Pass::forward);
  return flops_of(shape.problem) / seconds_of(yardstick.prepare(bench, Pass::forward, tensors));
}

class CpuBenchDevice final : public BenchDevice {
 public:
  explicit CpuBenchDevice(ThreadPool& pool) : pool_(pool), runtime_(make_cpu_runtime(pool)) {
    if (auto openblas = make_openblas(pool.size())) {
      yardsticks_.push_back(std::move(openblas));
    }
  }

  DeviceRuntime& runtime() override { return *runtime_; }
  std::vector<Arithmetic> arithmetics() const override {
    return {Arithmetic::f32, Arithmetic::bf16};
  }
  std::vector<CacheState> cache_states() const override { return {CacheState::warm}; }
  Facts facts() override {
    return {{"cpu", cpu_model()}, {"threads", std::to_string(pool_.size())}};
  }
  Ceilings measure_ceilings() override {
    Ceilings ceilings;
    ceilings.copy = copy_rate(*runtime_, pool_);
    ceilings.peak = fma_peak(pool_);
    for (const auto& yardstick : yardsticks_) {
      ceilings.gemm[0] = gemm_rate(*runtime_, *yardstick);
    }
    return ceilings;
  }
  const ConvYardsticks& conv_yardsticks() const override { return yardsticks_; }

  void configure(benchmark::internal::Benchmark& benchmark) const override {
    benchmark.UseRealTime()->MeasureProcessCPUTime();
  }
  void time(benchmark::State& state, const Call& call, CacheState /*cache*/) override {
    call();
    for (auto _ : state) {
      call();
    }
  }

 private:
  ThreadPool& pool_;
  std::unique_ptr<DeviceRuntime> runtime_;
  ConvYardsticks yardsticks_;
};

}  // namespace

std::unique_ptr<BenchDevice> make_cpu_bench_device(ThreadPool& pool) {
  return std::make_unique<CpuBenchDevice>(pool);
}

}  // namespace accrete::bench
