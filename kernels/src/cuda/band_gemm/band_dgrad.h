// SPDX-License-Identifier: Apache-2.0
// Gradients of convolutions' data by band kernels (dgrad_kernel.cuh).
#pragma once

#include "accrete/kernels/fused_conv.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// What fused_conv_dgrad computes. False, and nothing is launched, where band_forward would return
/// it.
bool band_dgrad(const Stream& stream, const char* op, const ConvProblem& problem,
                const DeferredGradient& grad_y, const ConstTensorView& weight,
                const ConstTensorView& x, const NormRelu& norm, const NormReluGradient& out,
                const Workspace& workspace);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
