// SPDX-License-Identifier: Apache-2.0
// Fully connected layer on [N,1,1,C] rows. The bias gradient is `bias_grad` of conv.h.
// Contract as in conv.h: a linear layer is its 1x1 case on a 1x1 image.
#pragma once

#include <cstddef>
#include <cstdint>

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/workspace.h"

namespace accrete::kernels {

/// Largest workspace of the three calls below for N samples, C inputs and K outputs.
std::size_t linear_workspace_bytes(std::int64_t N, std::int64_t C, std::int64_t K, Device device,
                                   DType dtype = DType::f32);

/// y [N,1,1,K] = x [N,1,1,C] * weight [K,1,1,C]^T + bias [1,1,1,K] (empty view: none).
void linear_forward(const Stream& stream, ConstTensorView x, ConstTensorView weight,
                    ConstTensorView bias, TensorView y, Workspace workspace);
/// grad_x [N,1,1,C] (= or +=) grad_y [N,1,1,K] * weight.
void linear_dgrad(const Stream& stream, ConstTensorView grad_y, ConstTensorView weight,
                  TensorView grad_x, GradMode mode, Workspace workspace);
/// grad_weight [K,1,1,C] (= or +=) grad_y^T * x.
void linear_wgrad(const Stream& stream, ConstTensorView x, ConstTensorView grad_y,
                  TensorView grad_weight, GradMode mode, Workspace workspace);

}  // namespace accrete::kernels
