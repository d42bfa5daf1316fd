// SPDX-License-Identifier: Apache-2.0
// What every convolution benchmark reports.
#pragma once

#include <benchmark/benchmark.h>

#include "accrete/kernels/problem.h"
#include "rates.h"

namespace accrete::bench {

/// Rates and shares of the yardsticks. Bytes count x, weight and y once, whatever else a call
/// reads.
void set_conv_counters(benchmark::State& state, const ConvProblem& problem, const Rates& rates);

/// Wall-clock times of all threads' work, in microseconds.
void set_conv_units(benchmark::internal::Benchmark& benchmark);

}  // namespace accrete::bench
