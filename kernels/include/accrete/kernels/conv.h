// SPDX-License-Identifier: Apache-2.0
// 2-D convolution (cross-correlation): forward, gradient of the data, of the weights, of the bias.
//
// Common to all: activations are NHWC views of any pitch; weights are packed [K,R,S,C]; x, weight
// and y may not overlap, and padding reads as zero. Every sum has a fixed order that depends on
// the problem alone, so results are bit-identical for any number of threads. x, weight, y and the
// activation gradients have one dtype: f32, or bf16 (f32 sums, rounded once); biases and
// the gradients of parameters are f32. Shape, dtype or device that contradicts `problem` throws
// Error(invalid_argument).
#pragma once

#include <cstddef>

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/problem.h"
#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/workspace.h"

namespace accrete::kernels {

/// Throws Error(invalid_argument), naming the extent, unless extents are positive, padding is not
/// negative, strides are 1 to 1024, P and Q at least 1, and no count of elements or work wraps.
void check_conv_problem(const ConvProblem& problem);

std::size_t conv_forward_workspace_bytes(const ConvProblem& problem, Device device,
                                         DType dtype = DType::f32);
/// y [N,P,Q,K] = conv(x [N,H,W,C], weight [K,R,S,C]) + bias [1,1,1,K]. An empty `bias` view means
/// none.
void conv_forward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                  ConstTensorView weight, ConstTensorView bias, TensorView y, Workspace workspace);

std::size_t conv_dgrad_workspace_bytes(const ConvProblem& problem, Device device,
                                       DType dtype = DType::f32);
/// grad_x [N,H,W,C] (= or +=) transposed convolution of grad_y [N,P,Q,K] with weight.
void conv_dgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView grad_y,
                ConstTensorView weight, TensorView grad_x, GradMode mode, Workspace workspace);

std::size_t conv_wgrad_workspace_bytes(const ConvProblem& problem, Device device,
                                       DType dtype = DType::f32);
/// grad_weight [K,R,S,C] (= or +=) correlation of x with grad_y.
void conv_wgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                ConstTensorView grad_y, TensorView grad_weight, GradMode mode, Workspace workspace);

std::size_t bias_grad_workspace_bytes(const Shape& grad_y, Device device);
/// grad_bias [1,1,1,K] (= or +=) sum of grad_y [N,P,Q,K] over its pixels.
void bias_grad(const Stream& stream, ConstTensorView grad_y, TensorView grad_bias, GradMode mode,
               Workspace workspace);

}  // namespace accrete::kernels
