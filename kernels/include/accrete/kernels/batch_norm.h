// SPDX-License-Identifier: Apache-2.0
// Batch normalisation over the pixels of each channel (Ioffe & Szegedy, arXiv 1502.03167,
// Algorithm 1), optionally followed by ReLU in the same pass.
//
// M = N*H*W pixels. mean and the biased variance of the batch are computed with per-chunk two-pass
// sums that are merged in a fixed order (Chan, Golub & LeVeque 1979), in double: bit-identical for
// any number of threads, stable for |mean| >> deviation. All vectors are packed [1,1,1,C] f32.
#pragma once

#include <cstddef>

#include "accrete/kernels/grad_mode.h"
#include "accrete/kernels/stream.h"
#include "accrete/kernels/tensor_view.h"
#include "accrete/kernels/workspace.h"

namespace accrete::kernels {

struct BatchNormOptions {
  float epsilon = 1e-5F;
  /// running = (1 - momentum) * running + momentum * batch. The running variance takes the
  /// unbiased batch variance, M/(M-1); with M = 1 it is left as it was.
  float momentum = 0.1F;
  bool relu = false;  ///< y = max(0, normalised)
  /// Backward only: mean and inv_std are constants, such as running statistics, and not those of x.
  bool constant_statistics = false;
};

/// Largest workspace of the calls below for a tensor of this shape.
std::size_t batch_norm_workspace_bytes(const Shape& x, Device device);

/// Training: y = gamma * (x - mean) * inv_std + beta with the batch's own statistics, which are
/// stored in save_mean and save_inv_std for the backward pass; running_mean and running_var are
/// read and updated. y may be x itself (same view) or not overlap it.
void batch_norm_training(const Stream& stream, const BatchNormOptions& options, ConstTensorView x,
                         ConstTensorView gamma, ConstTensorView beta, TensorView running_mean,
                         TensorView running_var, TensorView save_mean, TensorView save_inv_std,
                         TensorView y, Workspace workspace);

/// y = gamma * (x - mean) * inv_std + beta with given statistics: the second half of training, for
/// those whose statistics another kernel has taken. y may be x itself or not overlap it.
void batch_norm_normalise(const Stream& stream, const BatchNormOptions& options, ConstTensorView x,
                          ConstTensorView gamma, ConstTensorView beta, ConstTensorView mean,
                          ConstTensorView inv_std, TensorView y);

/// Inference: the same with running statistics. y may be x itself or not overlap it.
void batch_norm_inference(const Stream& stream, const BatchNormOptions& options, ConstTensorView x,
                          ConstTensorView gamma, ConstTensorView beta, ConstTensorView running_mean,
                          ConstTensorView running_var, TensorView y);

/// Backward of the training form, and with options.constant_statistics of the inference form. With
/// xhat = (x - mean) * inv_std and dz = grad_y (with options.relu: grad_y where the recomputed
/// output is positive, else 0): grad_beta = sum dz, grad_gamma = sum dz * xhat (both overwritten),
/// grad_x (= or +=) gamma * inv_std * (dz - grad_beta/M - xhat * grad_gamma/M), with
/// options.constant_statistics gamma * inv_std * dz.
/// With mode overwrite grad_x may be grad_y itself; otherwise no output overlaps an input.
void batch_norm_backward(const Stream& stream, const BatchNormOptions& options,
                         ConstTensorView grad_y, ConstTensorView x, ConstTensorView gamma,
                         ConstTensorView beta, ConstTensorView save_mean,
                         ConstTensorView save_inv_std, TensorView grad_x, GradMode mode,
                         TensorView grad_gamma, TensorView grad_beta, Workspace workspace);

}  // namespace accrete::kernels
