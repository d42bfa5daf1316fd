// SPDX-License-Identifier: Apache-2.0
// Max, average, global average pooling; padding, rounding: PoolProblem. Outputs overlap no input.
#pragma once

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/problem.h"
#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"

namespace accrete::kernels {

/// Throws Error(invalid_argument), naming the extent, unless windows, strides and extents are
/// positive, 0 <= pad < window, R*S <= 255, P and Q are at least 1 and no count wraps.
void check_pool_problem(const PoolProblem& problem);

/// y [N,P,Q,C] = maximum of each window; winner [N,P,Q,C] u8, packed, = r*S + s of the first
/// maximum in raster order (a NaN tap wins). An empty `winner` view skips it (inference).
void max_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                      TensorView y, TensorView winner);
/// grad_x [N,H,W,C] (= or +=) the gradient of every window this pixel won, added in raster order
/// of the windows.
void max_pool_backward(const Stream& stream, const PoolProblem& problem, ConstTensorView grad_y,
                       ConstTensorView winner, TensorView grad_x, GradMode mode);

/// y [N,P,Q,C] = mean of each window.
void average_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                          TensorView y);
void average_pool_backward(const Stream& stream, const PoolProblem& problem, ConstTensorView grad_y,
                           TensorView grad_x, GradMode mode);

/// y [N,1,1,C] = mean over H and W of x [N,H,W,C].
void global_average_pool_forward(const Stream& stream, ConstTensorView x, TensorView y);
/// grad_x [N,H,W,C] (= or +=) grad_y [N,1,1,C] / (H*W).
void global_average_pool_backward(const Stream& stream, ConstTensorView grad_y, TensorView grad_x,
                                  GradMode mode);

}  // namespace accrete::kernels
