// SPDX-License-Identifier: Apache-2.0
// 2-D convolution (cross-correlation) and its gradients. A linear layer is the 1x1 convolution of a
// 1x1 image (ConvProblem::linear).
//
// Optional parts: x is normalised while it is loaded (`norm`; zero padding comes after it, a tap
// outside the image is 0, not max(0, shift)), the statistics of y are taken while it is stored
// (`statistics`), and what batch norm still owes to a gradient is applied while that is loaded
// (`grad_y`); norm_relu.h has their mathematics.
#pragma once

#include "accrete/kernels/call.h"
#include "accrete/kernels/norm_relu.h"
#include "accrete/kernels/problem.h"

namespace accrete::kernels {

/// Throws Error(invalid_argument), naming the extent, unless extents are positive, padding is not
/// negative, strides are 1 to 1024, P and Q at least 1, and no count of elements or work wraps.
void check_conv_problem(const ConvProblem& problem);

/// y = conv(norm(x), weight) + bias, and the statistics of y.
struct ConvForward {
  static constexpr const char* kName = "conv_forward";
  ConvProblem problem;
  ConstTensorView x;                 ///< [N,H,W,C]
  NormRelu norm = {};                ///< optional, of x
  ConstTensorView weight;            ///< [K,R,S,C] packed
  ConstTensorView bias = {};         ///< optional, [1,1,1,K] packed f32
  TensorView y;                      ///< [N,P,Q,K]
  StatisticsOutput statistics = {};  ///< optional, of y
};

/// The gradient of the data: dz = transposed convolution of grad_y with weight, with a norm masked
/// by norm(x) > 0 and summed per channel; it goes where `grad_x` says.
struct ConvDgrad {
  static constexpr const char* kName = "conv_dgrad";
  ConvProblem problem;
  DeferredGradient grad_y;  ///< of y [N,P,Q,K]
  ConstTensorView weight;   ///< [K,R,S,C] packed
  ConstTensorView x = {};   ///< [N,H,W,C]; with a norm only
  NormRelu norm = {};       ///< optional, of x
  /// Without a norm grad_x.g (= or +=) dz, and the vectors are empty.
  NormReluGradient grad_x;
};

/// The gradient of the weights: grad_weight (= or +=) correlation of norm(x) with grad_y.
struct ConvWgrad {
  static constexpr const char* kName = "conv_wgrad";
  ConvProblem problem;
  ConstTensorView x;        ///< [N,H,W,C]
  NormRelu norm = {};       ///< optional, of x
  DeferredGradient grad_y;  ///< of y [N,P,Q,K]
  TensorView grad_weight;   ///< [K,R,S,C] packed f32
  GradMode mode = GradMode::overwrite;
};

/// Both gradients; x is given with and without a norm. On a GPU they are computed side by side, so
/// that memory is read once for both, where there is a norm and the convolution is one that band
/// kernels take (bf16, stride 1, 1x1 or 3x3 with padding 1, rows of whole 8 bytes): the pixels of
/// grad_weight's sums are then cut into other ranges than ConvWgrad's, which rounds the f32 sums
/// otherwise. Else, and on the CPU, they are computed one after the other, and are the same bits.
struct ConvBackward {
  static constexpr const char* kName = "conv_backward";
  ConvProblem problem;
  ConstTensorView x;
  NormRelu norm = {};
  ConstTensorView weight;
  DeferredGradient grad_y;
  NormReluGradient grad_x;
  TensorView grad_weight;
  GradMode weight_mode = GradMode::overwrite;
};

/// grad_bias [1,1,1,K] f32 (= or +=) sum of grad_y [N,P,Q,K] over its pixels.
struct BiasGrad {
  static constexpr const char* kName = "bias_grad";
  ConstTensorView grad_y;
  TensorView grad_bias;
  GradMode mode = GradMode::overwrite;
};

}  // namespace accrete::kernels
