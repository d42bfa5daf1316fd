// SPDX-License-Identifier: Apache-2.0
// Convolutions that normalise their input while loading it, take the statistics of what they
// write, and apply what batch norm still owes to a gradient while loading that. Each part may be
// absent; with all of them absent the calls compute what those of conv.h do. Conventions, layouts
// and aliasing as in conv.h and norm_relu.h. Zero padding is applied after the normalisation: a tap
// outside the image is 0, not max(0, shift).
#pragma once

#include <cstddef>

#include "accrete/kernels/norm_relu.h"
#include "accrete/kernels/problem.h"

namespace accrete::kernels {

/// Workspaces of the calls below, whatever parts are present.
std::size_t fused_conv_forward_workspace_bytes(const ConvProblem& problem, Device device,
                                               DType dtype = DType::f32);
std::size_t fused_conv_dgrad_workspace_bytes(const ConvProblem& problem, Device device,
                                             DType dtype = DType::f32);
std::size_t fused_conv_wgrad_workspace_bytes(const ConvProblem& problem, Device device,
                                             DType dtype = DType::f32);
std::size_t fused_conv_backward_workspace_bytes(const ConvProblem& problem, Device device,
                                                DType dtype = DType::f32);

/// y [N,P,Q,K] = conv(NormRelu(x [N,H,W,C]), weight [K,R,S,C]) + bias (empty: none), and the
/// statistics of y if wanted.
void fused_conv_forward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                        const NormRelu& norm, ConstTensorView weight, ConstTensorView bias,
                        TensorView y, const StatisticsOutput& statistics, Workspace workspace);

/// The gradient of the data. With a norm, dz is masked by NormRelu(x) > 0 and goes where `out`
/// says. Without one, x, out.a, out.b, out.grad_gamma and out.grad_beta are empty, and out.g
/// (= or +=) the plain gradient.
void fused_conv_dgrad(const Stream& stream, const ConvProblem& problem,
                      const DeferredGradient& grad_y, ConstTensorView weight, ConstTensorView x,
                      const NormRelu& norm, const NormReluGradient& out, Workspace workspace);

/// grad_weight [K,R,S,C] (= or +=) the gradient of the weights.
void fused_conv_wgrad(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                      const NormRelu& norm, const DeferredGradient& grad_y, TensorView grad_weight,
                      GradMode mode, Workspace workspace);

/// Both gradients, as fused_conv_dgrad and fused_conv_wgrad compute them; x is given with and
/// without a norm. On a GPU they are computed side by side, so that memory is read once for both,
/// where there is a norm and the convolution is one that band kernels take (bf16, stride 1, 1x1 or
/// 3x3 with padding 1, rows of whole 8 bytes): the pixels of grad_weight's sums are then cut into
/// other ranges than fused_conv_wgrad's, which rounds the f32 sums otherwise. Else, and on the CPU,
/// they are computed one after the other, and are the same bits.
void fused_conv_backward(const Stream& stream, const ConvProblem& problem, ConstTensorView x,
                         const NormRelu& norm, ConstTensorView weight,
                         const DeferredGradient& grad_y, const NormReluGradient& out,
                         TensorView grad_weight, GradMode weight_mode, Workspace workspace);

}  // namespace accrete::kernels
