// SPDX-License-Identifier: Apache-2.0
// Pooling in double precision, by scattering: every window in raster order, every tap in raster
// order. Tensors are packed NHWC.
#pragma once

#include <vector>

#include "accrete/kernels/problem.h"

namespace accrete::reference {

struct MaxPoolResult {
  std::vector<double> y;
  std::vector<int> winner;
};

MaxPoolResult max_pool_forward(const PoolProblem& problem, const std::vector<double>& x);
std::vector<double> max_pool_backward(const PoolProblem& problem, const std::vector<double>& grad_y,
                                      const std::vector<int>& winner);

std::vector<double> average_pool_forward(const PoolProblem& problem, const std::vector<double>& x);
std::vector<double> average_pool_backward(const PoolProblem& problem,
                                          const std::vector<double>& grad_y);

}  // namespace accrete::reference
