// SPDX-License-Identifier: Apache-2.0
// Both gradients of convolutions by band kernels (backward_kernel.cuh).
#pragma once

#include "accrete/kernels/fused_conv.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

struct BackwardCall {
  const Stream& stream;
  const char* op;
  const ConvProblem& problem;
  ConstTensorView x;
  NormRelu norm;
  ConstTensorView weight;
  DeferredGradient grad_y;
  NormReluGradient out;
  TensorView grad_weight;
  GradMode weight_mode;
  Workspace of_data, of_weights;
};

/// What fused_conv_backward computes where there is a norm. False, and nothing is launched, where
/// band_dgrad or band_wgrad would return it.
bool band_backward(const BackwardCall& call);

/// Its parts, for rows that are multiples of `alignment`, 16 or 8 bytes.
bool band_backward_1x1(const BackwardCall& call, int alignment);
bool band_backward_3x3(const BackwardCall& call, int alignment);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
