// SPDX-License-Identifier: Apache-2.0
// CPU kernels of norm_relu.h and norm_relu_pool.h; arguments are valid.
#pragma once

#include <cstddef>

#include "accrete/kernels/norm_relu.h"
#include "accrete/kernels/problem.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete::kernels::cpu {

std::size_t norm_relu_workspace_bytes(const Shape& x);

void channel_statistics(ThreadPool& pool, const ConstTensorView& x, const StatisticsOutput& out,
                        const Workspace& workspace);

void norm_relu_forward(ThreadPool& pool, const ConstTensorView& x, const NormRelu& norm,
                       const TensorView& y);
/// Pixel i of x takes its gradient from pixel i / spread of grad_y, divided by spread.
void norm_relu_backward(ThreadPool& pool, const ConstTensorView& grad_y, std::int64_t spread,
                        const ConstTensorView& x, const NormRelu& norm, const NormReluGradient& out,
                        const Workspace& workspace);

void apply_deferred_gradient(ThreadPool& pool, const DeferredGradient& gradient,
                             const TensorView& grad_y);
void inverse_deviation(ThreadPool& pool, const ConstTensorView& variance, float epsilon,
                       const TensorView& inv_std);
void update_running_statistics(ThreadPool& pool, const RunningStatistics* statistics,
                               std::int64_t count);

void norm_relu_average_pool_forward(ThreadPool& pool, const PoolProblem& problem,
                                    const ConstTensorView& x, const NormRelu& norm,
                                    const TensorView& y);
void norm_relu_average_pool_backward(ThreadPool& pool, const PoolProblem& problem,
                                     const ConstTensorView& grad_y, const ConstTensorView& x,
                                     const NormRelu& norm, const NormReluGradient& out,
                                     const Workspace& workspace);
void norm_relu_global_average_pool_forward(ThreadPool& pool, const ConstTensorView& x,
                                           const NormRelu& norm, const TensorView& y);

/// `winner` and `statistics` may be empty.
void norm_relu_max_pool_forward(ThreadPool& pool, const PoolProblem& problem,
                                const ConstTensorView& x, const NormRelu& norm, const TensorView& y,
                                const TensorView& winner, const StatisticsOutput& statistics,
                                const Workspace& workspace);
void norm_relu_max_pool_backward(ThreadPool& pool, const PoolProblem& problem,
                                 const DeferredGradient& grad_y, const ConstTensorView& winner,
                                 const ConstTensorView& x, const NormRelu& norm,
                                 const NormReluGradient& out, const Workspace& workspace);

}  // namespace accrete::kernels::cpu
