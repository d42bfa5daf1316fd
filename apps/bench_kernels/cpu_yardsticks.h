// SPDX-License-Identifier: Apache-2.0
// What stands beside this project's kernels on the CPU, measured in the same run.
#pragma once

#include <memory>

#include "accrete/kernels/thread_pool.h"
#include "conv_yardstick.h"

namespace accrete::bench {

/// Yardsticks in FLOP/s; 0: not measured.
struct Rates {
  double peak = 0.0;
  double sgemm = 0.0;
};

/// f32 FLOP/s of independent fused multiply-adds in registers on all threads of the pool; best of
/// several tries.
double fma_peak(ThreadPool& pool);

/// Null without OpenBLAS. `threads`: how many it may use.
std::unique_ptr<ConvYardstick> make_openblas(int threads);

}  // namespace accrete::bench
