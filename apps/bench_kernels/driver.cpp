// SPDX-License-Identifier: Apache-2.0
#include "driver.h"

#include <exception>

namespace accrete::bench {
namespace {

constexpr const char* kWarm = "/warm";
constexpr const char* kCold = "/cold";

}  // namespace

struct Driver::Prepared {
  Prepared(const BenchCase& bench_case, DeviceRuntime& runtime)
      : of(bench_case.name + "/" + bench_case.implementation),
        bench(runtime, bench_case.arithmetic),
        work(bench_case.prepare(bench)) {}

  std::string of;
  Workbench bench;
  Work work;
};

Driver::Driver(BenchDevice& device, const Ceilings& ceilings, const std::vector<CacheState>& states)
    : device_(device), ceilings_(ceilings), states_(states) {}

Driver::~Driver() = default;

void Driver::add(const BenchCases& cases) {
  for (const BenchCase& bench_case : cases) {
    for (const CacheState cache : states_) {
      const std::string name =
          bench_case.name + "/" + name_of(bench_case.arithmetic) +
          (cache == CacheState::warm ? kWarm : kCold) +
          (bench_case.implementation.empty() ? "" : "/" + bench_case.implementation);
      auto* benchmark = benchmark::RegisterBenchmark(
          name.c_str(),
          [this, bench_case, cache](benchmark::State& state) { run(state, bench_case, cache); });
      benchmark->Unit(benchmark::kMicrosecond);
      device_.configure(*benchmark);
    }
  }
}

const Work& Driver::prepare(const BenchCase& bench_case) {
  const std::string wanted = bench_case.name + "/" + bench_case.implementation;
  if (prepared_ == nullptr || prepared_->of != wanted ||
      prepared_->bench.arithmetic() != bench_case.arithmetic) {
    prepared_.reset();
    prepared_ = std::make_unique<Prepared>(bench_case, device_.runtime());
  }
  return prepared_->work;
}

void Driver::run(benchmark::State& state, const BenchCase& bench_case, CacheState cache) {
  try {
    const Work& work = prepare(bench_case);
    device_.time(state, work.call, cache);
    set_counters(state, bench_case, work);
    if (work.kernel != nullptr) {
      state.SetLabel(*work.kernel);
    }
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

void Driver::set_counters(benchmark::State& state, const BenchCase& bench_case,
                          const Work& work) const {
  const auto per_second = [&state](const char* name, double value, double ceiling) {
    if (value > 0.0 && ceiling > 0.0) {
      state.counters[name] =
          benchmark::Counter(value / ceiling, benchmark::Counter::kIsIterationInvariantRate);
    }
  };
  per_second("bytes/s", work.bytes, 1.0);
  per_second("of_copy", work.bytes, ceilings_.copy);
  per_second("FLOP/s", work.flops, 1.0);
  per_second("of_gemm", work.flops, ceilings_.gemm_of(bench_case.arithmetic));
  per_second("of_peak", work.flops, ceilings_.peak);
}

BenchName split_name(const std::string& name) {
  for (const std::string state : {kWarm, kCold}) {
    const std::size_t at = name.rfind(state);
    if (at != std::string::npos) {
      const std::size_t end = at + state.size();
      return {name.substr(0, end), end < name.size() ? name.substr(end + 1) : ""};
    }
  }
  return {name, ""};
}

}  // namespace accrete::bench
