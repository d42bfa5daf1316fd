// SPDX-License-Identifier: Apache-2.0
// Convolutions forward by band kernels (forward_kernel.cuh).
#pragma once

#include "accrete/kernels/fused_conv.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// What fused_conv_forward computes. False, and nothing is launched, where the problem is not one
/// for band kernels: f32, strides, other windows than 1x1 and 3x3, rows not aligned to 8 bytes,
/// more shared memory than the GPU has.
bool band_forward(const Stream& stream, const char* op, const ConvProblem& problem,
                  const ConstTensorView& x, const NormRelu& norm, const ConstTensorView& weight,
                  const ConstTensorView& bias, const TensorView& y,
                  const StatisticsOutput& statistics, const Workspace& workspace);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
