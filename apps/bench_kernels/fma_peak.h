// SPDX-License-Identifier: Apache-2.0
// What the CPU can do, measured in the same run as the kernels.
#pragma once

#include "accrete/kernels/thread_pool.h"

namespace accrete::bench {

/// Yardsticks in FLOP/s; 0: not measured.
struct Rates {
  double peak = 0.0;
  double sgemm = 0.0;
};

/// f32 FLOP/s of independent fused multiply-adds in registers on all threads of the pool; best of
/// several tries.
double fma_peak(ThreadPool& pool);

}  // namespace accrete::bench
