// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accrete/kernels/thread_pool.h"
#include "rates.h"

namespace accrete::bench {

/// Registers the three passes of every shape in conv_shapes.h. `pool` must outlive the run.
void register_conv_benchmarks(ThreadPool& pool, const Rates& rates);
/// The same fused with batch norm and ReLU.
void register_fused_conv_benchmarks(ThreadPool& pool, const Rates& rates);

}  // namespace accrete::bench
