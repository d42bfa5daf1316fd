// SPDX-License-Identifier: Apache-2.0
// Convolution and bias gradient on the CPU. Arguments are validated by the callers.
#pragma once

#include <cstddef>

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/problem.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/thread_pool.h"
#include "accrete/kernels/workspace.h"

namespace accrete::kernels::cpu {

std::size_t conv_forward_workspace_bytes(const ConvProblem& problem);
void conv_forward(ThreadPool& pool, const ConvProblem& problem, const ConstTensorView& x,
                  const ConstTensorView& weight, const ConstTensorView& bias, const TensorView& y,
                  const Workspace& workspace);

std::size_t conv_dgrad_workspace_bytes(const ConvProblem& problem);
void conv_dgrad(ThreadPool& pool, const ConvProblem& problem, const ConstTensorView& grad_y,
                const ConstTensorView& weight, const TensorView& grad_x, GradMode mode,
                const Workspace& workspace);

std::size_t conv_wgrad_workspace_bytes(const ConvProblem& problem);
void conv_wgrad(ThreadPool& pool, const ConvProblem& problem, const ConstTensorView& x,
                const ConstTensorView& grad_y, const TensorView& grad_weight, GradMode mode,
                const Workspace& workspace);

std::size_t bias_grad_workspace_bytes(const Shape& grad_y);
void bias_grad(ThreadPool& pool, const ConstTensorView& grad_y, const TensorView& grad_bias,
               GradMode mode, const Workspace& workspace);

}  // namespace accrete::kernels::cpu
