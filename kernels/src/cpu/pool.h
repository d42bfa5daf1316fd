// SPDX-License-Identifier: Apache-2.0
// CPU kernels of pool.h; arguments are valid.
#pragma once

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/problem.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete::kernels::cpu {

/// `winner` may be empty.
void max_pool_forward(ThreadPool& pool, const PoolProblem& problem, const ConstTensorView& x,
                      const TensorView& y, const TensorView& winner);
void max_pool_backward(ThreadPool& pool, const PoolProblem& problem, const ConstTensorView& grad_y,
                       const ConstTensorView& winner, const TensorView& grad_x, GradMode mode);

void average_pool_forward(ThreadPool& pool, const PoolProblem& problem, const ConstTensorView& x,
                          const TensorView& y);
void average_pool_backward(ThreadPool& pool, const PoolProblem& problem,
                           const ConstTensorView& grad_y, const TensorView& grad_x, GradMode mode);

void global_average_pool_forward(ThreadPool& pool, const ConstTensorView& x, const TensorView& y);
void global_average_pool_backward(ThreadPool& pool, const ConstTensorView& grad_y,
                                  const TensorView& grad_x, GradMode mode);

}  // namespace accrete::kernels::cpu
