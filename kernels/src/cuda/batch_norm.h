// SPDX-License-Identifier: Apache-2.0
// CUDA kernels of batch_norm.h; arguments are valid.
#pragma once

#include "accrete/kernels/batch_norm.h"
#include "cuda/abi.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

void batch_norm_training(const Stream& stream, const BatchNormOptions& options, ConstTensorView x,
                         ConstTensorView gamma, ConstTensorView beta, TensorView running_mean,
                         TensorView running_var, TensorView save_mean, TensorView save_inv_std,
                         TensorView y, Workspace workspace);
void batch_norm_normalise(const Stream& stream, const BatchNormOptions& options, ConstTensorView x,
                          ConstTensorView gamma, ConstTensorView beta, ConstTensorView mean,
                          ConstTensorView inv_std, TensorView y);
void batch_norm_inference(const Stream& stream, const BatchNormOptions& options, ConstTensorView x,
                          ConstTensorView gamma, ConstTensorView beta, ConstTensorView running_mean,
                          ConstTensorView running_var, TensorView y);
void batch_norm_backward(const Stream& stream, const BatchNormOptions& options,
                         ConstTensorView grad_y, ConstTensorView x, ConstTensorView gamma,
                         ConstTensorView beta, ConstTensorView save_mean,
                         ConstTensorView save_inv_std, TensorView grad_x, GradMode mode,
                         TensorView grad_gamma, TensorView grad_beta, Workspace workspace);

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
