// SPDX-License-Identifier: Apache-2.0
// Convolution and bias gradient on the CPU. Arguments are validated by the callers.
#pragma once

#include <cstddef>

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/norm_relu.h"
#include "accrete/kernels/problem.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/thread_pool.h"
#include "accrete/kernels/workspace.h"

namespace accrete::kernels::cpu {

/// Arguments of fused_conv.h; each part may be absent. The workspace of a call without any part is
/// conv_*_workspace_bytes, else fused_conv_*_workspace_bytes.
struct ConvForward {
  ConvProblem problem;
  ConstTensorView x;
  NormRelu norm;
  ConstTensorView weight, bias;
  TensorView y;
  StatisticsOutput statistics;
};
struct ConvDgrad {
  ConvProblem problem;
  DeferredGradient grad_y;
  ConstTensorView weight, x;
  NormRelu norm;
  NormReluGradient out;
};
struct ConvWgrad {
  ConvProblem problem;
  ConstTensorView x;
  NormRelu norm;
  DeferredGradient grad_y;
  TensorView grad_weight;
  GradMode mode = GradMode::overwrite;
};

/// Calls without parts.
inline ConvForward plain_forward(const ConvProblem& problem, const ConstTensorView& x,
                                 const ConstTensorView& weight, const ConstTensorView& bias,
                                 const TensorView& y) {
  return {problem, x, {}, weight, bias, y, {}};
}
inline ConvDgrad plain_dgrad(const ConvProblem& problem, const ConstTensorView& grad_y,
                             const ConstTensorView& weight, const TensorView& grad_x,
                             GradMode mode) {
  ConvDgrad call;
  call.problem = problem;
  call.grad_y.g = grad_y;
  call.weight = weight;
  call.out.g = grad_x;
  call.out.mode = mode;
  return call;
}
inline ConvWgrad plain_wgrad(const ConvProblem& problem, const ConstTensorView& x,
                             const ConstTensorView& grad_y, const TensorView& grad_weight,
                             GradMode mode) {
  ConvWgrad call;
  call.problem = problem;
  call.x = x;
  call.grad_y.g = grad_y;
  call.grad_weight = grad_weight;
  call.mode = mode;
  return call;
}

std::size_t conv_forward_workspace_bytes(const ConvProblem& problem, DType dtype);
std::size_t fused_conv_forward_workspace_bytes(const ConvProblem& problem, DType dtype);
void conv_forward(ThreadPool& pool, const ConvForward& call, const Workspace& workspace);

std::size_t conv_dgrad_workspace_bytes(const ConvProblem& problem, DType dtype);
std::size_t fused_conv_dgrad_workspace_bytes(const ConvProblem& problem, DType dtype);
void conv_dgrad(ThreadPool& pool, const ConvDgrad& call, const Workspace& workspace);

std::size_t conv_wgrad_workspace_bytes(const ConvProblem& problem, DType dtype);
std::size_t fused_conv_wgrad_workspace_bytes(const ConvProblem& problem, DType dtype);
void conv_wgrad(ThreadPool& pool, const ConvWgrad& call, const Workspace& workspace);

std::size_t bias_grad_workspace_bytes(const Shape& grad_y);
void bias_grad(ThreadPool& pool, const ConstTensorView& grad_y, const TensorView& grad_bias,
               GradMode mode, const Workspace& workspace);

}  // namespace accrete::kernels::cpu
