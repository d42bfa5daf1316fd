// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accrete/kernels/thread_pool.h"

namespace accrete::bench {

/// Yardsticks in FLOP/s; 0: not measured.
struct Rates {
  double peak = 0.0;
  double sgemm = 0.0;
};

/// Registers the three passes of every shape in conv_shapes.h. `pool` must outlive the run.
void register_conv_benchmarks(ThreadPool& pool, const Rates& rates);

}  // namespace accrete::bench
