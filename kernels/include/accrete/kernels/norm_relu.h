// SPDX-License-Identifier: Apache-2.0
// Batch normalisation and ReLU taken apart, so that no kernel has to make a pass for them alone.
//
// Statistics of a tensor are computed once, by the kernel that writes it. Every reader applies
// scale, shift and ReLU while it loads (NormRelu). On the way back a reader masks its gradient,
// adds it to that of the tensor and sums it up per channel (NormReluGradient); what batch norm
// still owes to the finished sum is applied by whoever loads it next (DeferredGradient).
//
// With M = N*H*W pixels, xhat = (x - mean) * inv_std, and for reader l the gradient dz_l at the
// output of its batch norm, exact batch norm backward (Ioffe & Szegedy, arXiv 1502.03167, section
// 3), summed over the readers, is
//   dx = inv_std * (g - a - xhat * b),   g = sum_l gamma_l * dz_l,
//   a = sum_l gamma_l * sum(dz_l) / M,   b = sum_l gamma_l * sum(dz_l * xhat) / M,
// so g, a and b accumulate reader by reader. Where the statistics are constants (running
// statistics) the last two terms fall away, readers may differ in mean and inv_std, and
//   dx = sum_l gamma_l * inv_std_l * dz_l.
//
// The parts here are members of the calls that have them. All vectors are packed [1,1,1,C] f32;
// statistics are those of the values as stored.
#pragma once

#include "accrete/kernels/call.h"

namespace accrete::kernels {

/// What a reader of x makes of it: max(0, x * scale + shift) with scale = gamma * inv_std and
/// shift = beta - mean * scale. Empty: x as it is.
struct NormRelu {
  ConstTensorView mean, inv_std, gamma, beta;
  explicit operator bool() const { return static_cast<bool>(mean); }
};

/// Where the writer of a tensor puts its statistics: mean, biased variance, and
/// inv_std = 1 / sqrt(variance + epsilon). Empty: none are wanted.
struct StatisticsOutput {
  TensorView mean, variance, inv_std;
  float epsilon = 1e-5F;
  explicit operator bool() const { return static_cast<bool>(mean); }
};

/// The gradient of y as it has to be loaded: inv_std * (g - a - (y - mean) * inv_std * b). With an
/// empty y nothing is due, and g is the gradient.
struct DeferredGradient {
  ConstTensorView g;                        ///< shape of y
  ConstTensorView y = {};                   ///< the tensor itself; its pitch may differ from g's
  ConstTensorView mean = {}, inv_std = {};  ///< of y
  ConstTensorView a = {}, b = {};
};

/// Where a reader of x through NormRelu puts its gradient. `mode` holds for g, a and b; grad_gamma
/// and grad_beta are overwritten with sum(dz * xhat) and sum(dz).
struct NormReluGradient {
  TensorView g;  ///< shape of x: (= or +=) gamma * dz, or if not deferred gamma * inv_std * dz
  TensorView a = {}, b = {};  ///< (= or +=) gamma * sum(dz) / M, gamma * sum(dz * xhat) / M
  TensorView grad_gamma = {}, grad_beta = {};
  GradMode mode = GradMode::overwrite;
  /// Whether the statistics are those of x. If they are constants, a and b are empty, and g is the
  /// gradient of x itself.
  bool deferred() const { return static_cast<bool>(a); }
};

}  // namespace accrete::kernels
