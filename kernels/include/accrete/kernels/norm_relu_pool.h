// SPDX-License-Identifier: Apache-2.0
// Pooling of tensors that are normalised while they are loaded. Windows as in pool.h, the rest as
// in norm_relu.h; workspaces are norm_relu_workspace_bytes of x.
#pragma once

#include "accrete/kernels/norm_relu.h"
#include "accrete/kernels/problem.h"

namespace accrete::kernels {

/// y [N,P,Q,C] = mean of each window of NormRelu(x).
void norm_relu_average_pool_forward(const Stream& stream, const PoolProblem& problem,
                                    ConstTensorView x, const NormRelu& norm, TensorView y);
void norm_relu_average_pool_backward(const Stream& stream, const PoolProblem& problem,
                                     ConstTensorView grad_y, ConstTensorView x,
                                     const NormRelu& norm, const NormReluGradient& out,
                                     Workspace workspace);

/// y [N,1,1,C] = mean over H and W of NormRelu(x).
void norm_relu_global_average_pool_forward(const Stream& stream, ConstTensorView x,
                                           const NormRelu& norm, TensorView y);
void norm_relu_global_average_pool_backward(const Stream& stream, ConstTensorView grad_y,
                                            ConstTensorView x, const NormRelu& norm,
                                            const NormReluGradient& out, Workspace workspace);

/// y [N,P,Q,C] = maximum of each window of NormRelu(x), winner as in pool.h (empty view: not
/// wanted), and the statistics of y if wanted.
void norm_relu_max_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                                const NormRelu& norm, TensorView y, TensorView winner,
                                const StatisticsOutput& statistics, Workspace workspace);
void norm_relu_max_pool_backward(const Stream& stream, const PoolProblem& problem,
                                 const DeferredGradient& grad_y, ConstTensorView winner,
                                 ConstTensorView x, const NormRelu& norm,
                                 const NormReluGradient& out, Workspace workspace);

}  // namespace accrete::kernels
