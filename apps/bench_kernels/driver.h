// SPDX-License-Identifier: Apache-2.0
// Hands cases to Google Benchmark.
#pragma once

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "bench_case.h"
#include "bench_device.h"

namespace accrete::bench {

/// Must outlive the run. Benchmarks are named case/arithmetic/cache[/yardstick]:
/// conv/forward/dn121/1x1/56x56/128-128/bf16/cold/cudnn.
class Driver {
 public:
  Driver(BenchDevice& device, const Ceilings& ceilings, const std::vector<CacheState>& states);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  void add(const BenchCases& cases);

 private:
  struct Prepared;
  void run(benchmark::State& state, const BenchCase& bench_case, CacheState cache);
  const Work& prepare(const BenchCase& bench_case);
  void set_counters(benchmark::State& state, const BenchCase& bench_case, const Work& work) const;

  BenchDevice& device_;
  Ceilings ceilings_;
  std::vector<CacheState> states_;
  // Google Benchmark calls a case several times to find out how often to repeat it; its tensors are
  // made once, and one case's at a time are in memory.
  std::unique_ptr<Prepared> prepared_;
};

/// Splits the name of a benchmark into what is computed and whose implementation it is (empty: this
/// project's).
struct BenchName {
  std::string row;
  std::string implementation;
};
BenchName split_name(const std::string& name);

}  // namespace accrete::bench
