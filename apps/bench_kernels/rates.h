// SPDX-License-Identifier: Apache-2.0
// What the machine can do, measured in the same run as the kernels: the yardsticks of the results.
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

/// FLOP/s of the 2048^3 sgemm of the BLAS this was built with; best of several tries, 0 without
/// BLAS.
double sgemm_rate(int threads);

}  // namespace accrete::bench
