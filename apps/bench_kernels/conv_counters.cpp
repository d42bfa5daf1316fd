// SPDX-License-Identifier: Apache-2.0
#include "conv_counters.h"

namespace accrete::bench {

void set_conv_counters(benchmark::State& state, const ConvProblem& problem, const Rates& rates) {
  using benchmark::Counter;
  const double flops = 2.0 * static_cast<double>(problem.macs());
  const auto bytes =
      static_cast<double>(sizeof(float)) *
      static_cast<double>(problem.x_shape().elements() + problem.weight_shape().elements() +
                          problem.y_shape().elements());
  const auto per_second = [](double value) {
    return Counter(value, Counter::kIsIterationInvariantRate);
  };
  state.counters["FLOP/s"] = per_second(flops);
  state.counters["bytes/s"] = per_second(bytes);
  state.counters["of_peak"] = per_second(flops / rates.peak);
  if (rates.sgemm > 0.0) {
    state.counters["of_sgemm"] = per_second(flops / rates.sgemm);
  }
}

void set_conv_units(benchmark::internal::Benchmark& benchmark) {
  benchmark.UseRealTime()->MeasureProcessCPUTime()->Unit(benchmark::kMicrosecond);
}

}  // namespace accrete::bench
