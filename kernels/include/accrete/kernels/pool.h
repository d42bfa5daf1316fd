// SPDX-License-Identifier: Apache-2.0
// Max, average and global average pooling; padding and rounding: PoolProblem. Optional parts as in
// conv.h: x is normalised while it is loaded, the statistics of y are taken, what batch norm owes
// to a gradient is applied. Without a norm a backward call leaves `x` empty, and grad_x.g alone
// (= or +=) the gradient.
#pragma once

#include "accrete/kernels/call.h"
#include "accrete/kernels/norm_relu.h"
#include "accrete/kernels/problem.h"

namespace accrete::kernels {

/// Throws Error(invalid_argument), naming the extent, unless windows, strides and extents are
/// positive, 0 <= pad < window, R*S <= 255, P and Q are at least 1 and no count wraps.
void check_pool_problem(const PoolProblem& problem);

/// y = maximum of each window of norm(x), and which of its pixels that was.
struct MaxPoolForward {
  static constexpr const char* kName = "max_pool_forward";
  PoolProblem problem;
  ConstTensorView x;   ///< [N,H,W,C]
  NormRelu norm = {};  ///< optional
  TensorView y;        ///< [N,P,Q,C]
  /// [N,P,Q,C] u8, packed: r*S + s of the first maximum in raster order (a NaN tap wins). Empty:
  /// not wanted (inference).
  TensorView winner = {};
  StatisticsOutput statistics = {};  ///< optional, of y; with a norm only
};
/// grad_x (= or +=) the gradient of every window this pixel won, added in raster order of the
/// windows.
struct MaxPoolBackward {
  static constexpr const char* kName = "max_pool_backward";
  PoolProblem problem;
  DeferredGradient grad_y;  ///< of y [N,P,Q,C]
  ConstTensorView winner;   ///< as MaxPoolForward stored it
  ConstTensorView x = {};
  NormRelu norm = {};
  NormReluGradient grad_x;  ///< [N,H,W,C]
};

/// y [N,P,Q,C] = mean of each window of norm(x [N,H,W,C]).
struct AveragePoolForward {
  static constexpr const char* kName = "average_pool_forward";
  PoolProblem problem;
  ConstTensorView x;
  NormRelu norm = {};  ///< optional
  TensorView y;
};
struct AveragePoolBackward {
  static constexpr const char* kName = "average_pool_backward";
  PoolProblem problem;
  ConstTensorView grad_y;  ///< [N,P,Q,C]
  ConstTensorView x = {};
  NormRelu norm = {};
  NormReluGradient grad_x;  ///< [N,H,W,C]
};

/// y [N,1,1,C] = mean over H and W of norm(x [N,H,W,C]).
struct GlobalAveragePoolForward {
  static constexpr const char* kName = "global_average_pool_forward";
  ConstTensorView x;
  NormRelu norm = {};  ///< optional
  TensorView y;
};
/// The gradient of each pixel is grad_y [N,1,1,C] / (H*W).
struct GlobalAveragePoolBackward {
  static constexpr const char* kName = "global_average_pool_backward";
  ConstTensorView grad_y;
  ConstTensorView x = {};
  NormRelu norm = {};
  NormReluGradient grad_x;  ///< [N,H,W,C]
};

}  // namespace accrete::kernels
