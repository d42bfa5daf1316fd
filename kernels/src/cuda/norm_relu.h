// SPDX-License-Identifier: Apache-2.0
// CUDA kernels of norm_relu.h and norm_relu_pool.h; arguments are valid.
#pragma once

#include "accrete/kernels/norm_relu_pool.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void channel_statistics(const Stream& stream, ConstTensorView x, const StatisticsOutput& out,
                        Workspace workspace);
void norm_relu_forward(const Stream& stream, ConstTensorView x, const NormRelu& norm, TensorView y);
void norm_relu_backward(const Stream& stream, ConstTensorView grad_y, ConstTensorView x,
                        const NormRelu& norm, const NormReluGradient& out, Workspace workspace);
void apply_deferred_gradient(const Stream& stream, const DeferredGradient& gradient,
                             TensorView grad_y);
void inverse_deviation(const Stream& stream, ConstTensorView variance, float epsilon,
                       TensorView inv_std);
void update_running_statistics(const Stream& stream, const RunningStatistics* statistics,
                               std::int64_t count);

void norm_relu_average_pool_forward(const Stream& stream, const PoolProblem& problem,
                                    ConstTensorView x, const NormRelu& norm, TensorView y);
void norm_relu_average_pool_backward(const Stream& stream, const PoolProblem& problem,
                                     ConstTensorView grad_y, ConstTensorView x,
                                     const NormRelu& norm, const NormReluGradient& out,
                                     Workspace workspace);
void norm_relu_global_average_pool_forward(const Stream& stream, ConstTensorView x,
                                           const NormRelu& norm, TensorView y);
void norm_relu_global_average_pool_backward(const Stream& stream, ConstTensorView grad_y,
                                            ConstTensorView x, const NormRelu& norm,
                                            const NormReluGradient& out, Workspace workspace);
void norm_relu_max_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                                const NormRelu& norm, TensorView y, TensorView winner,
                                const StatisticsOutput& statistics, Workspace workspace);
void norm_relu_max_pool_backward(const Stream& stream, const PoolProblem& problem,
                                 const DeferredGradient& grad_y, ConstTensorView winner,
                                 ConstTensorView x, const NormRelu& norm,
                                 const NormReluGradient& out, Workspace workspace);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
