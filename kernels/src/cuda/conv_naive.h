// SPDX-License-Identifier: Apache-2.0
// Convolution as its definition: one thread per result. The readable version that the fast kernels
// are tested and measured against. Arguments are those of conv.h and valid.
#pragma once

#include "accrete/kernels/conv.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void conv_forward_naive(const Stream& stream, const ConvProblem& problem, const ConstTensorView& x,
                        const ConstTensorView& weight, const ConstTensorView& bias,
                        const TensorView& y);
void conv_dgrad_naive(const Stream& stream, const ConvProblem& problem,
                      const ConstTensorView& grad_y, const ConstTensorView& weight,
                      const TensorView& grad_x, GradMode mode);
void conv_wgrad_naive(const Stream& stream, const ConvProblem& problem, const ConstTensorView& x,
                      const ConstTensorView& grad_y, const TensorView& grad_weight, GradMode mode);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
