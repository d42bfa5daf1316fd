// SPDX-License-Identifier: Apache-2.0
// CUDA kernels of pool.h; arguments are valid.
#pragma once

#include "accrete/kernels/pool.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void max_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                      TensorView y, TensorView winner);
void max_pool_backward(const Stream& stream, const PoolProblem& problem, ConstTensorView grad_y,
                       ConstTensorView winner, TensorView grad_x, GradMode mode);
void average_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                          TensorView y);
void average_pool_backward(const Stream& stream, const PoolProblem& problem, ConstTensorView grad_y,
                           TensorView grad_x, GradMode mode);
void global_average_pool_forward(const Stream& stream, ConstTensorView x, TensorView y);
void global_average_pool_backward(const Stream& stream, ConstTensorView grad_y, TensorView grad_x,
                                  GradMode mode);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
