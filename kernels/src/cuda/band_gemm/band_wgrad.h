// SPDX-License-Identifier: Apache-2.0
// Gradients of convolutions' weights by band kernels (wgrad_1x1.cuh, wgrad_3x3.cuh).
#pragma once

#include "accrete/kernels/fused_conv.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

struct WgradCall {
  const Stream& stream;
  const char* op;
  const ConvProblem& problem;
  ConstTensorView x;
  NormRelu norm;            ///< may be empty
  DeferredGradient grad_y;  ///< of which only g need be given
  TensorView grad_weight;
  GradMode mode;
  Workspace workspace;
};

/// What fused_conv_wgrad computes. False, and nothing is launched, unless the convolution has
/// stride 1 and is a 1x1 or a 3x3 with padding 1, and all rows of x, g and y, in bf16, begin at
/// multiples of 8 bytes and hold multiples of that.
bool band_wgrad(const WgradCall& call);

/// Its parts, for rows that are multiples of `alignment`, 16 or 8 bytes.
bool band_wgrad_1x1(const WgradCall& call, int alignment);
bool band_wgrad_3x3(const WgradCall& call, int alignment);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
