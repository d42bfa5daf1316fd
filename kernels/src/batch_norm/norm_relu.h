// SPDX-License-Identifier: Apache-2.0
// What calls that read through NormRelu share on the CPU.
#pragma once

#include <cstddef>

#include "accrete/kernels/norm_relu.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete::kernels::cpu {

/// Workspace of the sums of a gradient of x, or of the statistics of x, by whichever tasks.
std::size_t gradient_sums_bytes(const Shape& x);

/// Pixel i of x takes its gradient from pixel i / spread of grad_y, divided by spread.
struct SpreadGradient {
  ConstTensorView grad_y;
  std::int64_t spread = 1;
  ConstTensorView x;
  NormRelu norm;
  NormReluGradient grad_x;
};
void spread_gradient(ThreadPool& pool, const SpreadGradient& call, const Workspace& workspace);

}  // namespace accrete::kernels::cpu
