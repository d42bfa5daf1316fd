// SPDX-License-Identifier: Apache-2.0
// What a device has of its own in a benchmark run: how time is taken, what it can do at best, and
// whose kernels stand beside this project's.
#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "accrete/kernels/device_runtime.h"
#include "bench_case.h"
#include "yardsticks.h"

namespace accrete::bench {

/// What is in the last-level cache when a call starts.
enum class CacheState : std::uint8_t {
  warm,  ///< what the previous call of the same case left there
  cold,  ///< nothing of the case
};

/// Measured in the same run as the kernels; 0: not measured.
struct Ceilings {
  double copy = 0.0;                           ///< bytes/s of a large copy, read and written
  std::array<double, kNumArithmetics> gemm{};  ///< FLOP/s of a large square product
  double peak = 0.0;                           ///< FLOP/s of f32 multiply-adds in registers
  double gemm_of(Arithmetic arithmetic) const { return gemm[static_cast<std::size_t>(arithmetic)]; }
};

using Facts = std::vector<std::pair<std::string, std::string>>;

class BenchDevice {
 public:
  BenchDevice() = default;
  BenchDevice(const BenchDevice&) = delete;
  BenchDevice& operator=(const BenchDevice&) = delete;
  virtual ~BenchDevice() = default;

  virtual DeviceRuntime& runtime() = 0;
  virtual std::vector<Arithmetic> arithmetics() const = 0;
  /// What is measured unless something else is asked for.
  virtual std::vector<Arithmetic> default_arithmetics() const { return arithmetics(); }
  virtual std::vector<CacheState> cache_states() const = 0;
  /// Names and versions of all that a result depends on.
  virtual Facts facts() = 0;
  virtual Ceilings measure_ceilings() = 0;
  virtual const ConvYardsticks& conv_yardsticks() const = 0;

  /// How Google Benchmark has to take time.
  virtual void configure(benchmark::internal::Benchmark& benchmark) const = 0;
  /// Makes the calls of one measurement.
  virtual void time(benchmark::State& state, const Call& call, CacheState cache) = 0;
};

/// `pool` must outlive the device.
std::unique_ptr<BenchDevice> make_cpu_bench_device(ThreadPool& pool);
/// `naive`: the naive kernels are among its yardsticks. Error(unsupported) in a build without CUDA.
std::unique_ptr<BenchDevice> make_cuda_bench_device(int index, bool naive);

}  // namespace accrete::bench
