// SPDX-License-Identifier: Apache-2.0
// Batch normalisation over the pixels of each channel (Ioffe & Szegedy, arXiv 1502.03167,
// Algorithm 1), optionally followed by ReLU, and what is left of it where its neighbours do most of
// the work (norm_relu.h).
//
// M = N*H*W pixels. mean and the biased variance of the batch are sums per chunk, of distances from
// the chunk's mean (CPU) or from a sample (GPU), which are merged in a fixed order (Chan, Golub &
// LeVeque 1979), in double: stable for |mean| >> deviation. x, y and gradients are [N,H,W,C]; all
// vectors are packed [1,1,1,C] f32.
#pragma once

#include "accrete/kernels/call.h"
#include "accrete/kernels/norm_relu.h"

namespace accrete::kernels {

struct BatchNormOptions {
  float epsilon = 1e-5F;
  /// running = (1 - momentum) * running + momentum * batch. The running variance takes the
  /// unbiased batch variance, M/(M-1); with M = 1 it is left as it was.
  float momentum = 0.1F;
  bool relu = false;  ///< y = max(0, normalised)
};

/// y = gamma * (x - mean) * inv_std + beta with the batch's own statistics, which are stored for
/// the backward pass; the running ones are read and updated. y may be x itself.
struct BatchNormTraining {
  static constexpr const char* kName = "batch_norm_training";
  BatchNormOptions options = {};
  ConstTensorView x, gamma, beta;
  TensorView running_mean, running_var;
  TensorView mean, inv_std;
  TensorView y;
};

/// The same with running statistics, which are only read. y may be x itself.
struct BatchNormInference {
  static constexpr const char* kName = "batch_norm_inference";
  BatchNormOptions options = {};  ///< all but the momentum
  ConstTensorView x, gamma, beta, running_mean, running_var;
  TensorView y;
};

/// The same with given statistics. y may be x itself.
struct BatchNormNormalise {
  static constexpr const char* kName = "batch_norm_normalise";
  ConstTensorView x;
  NormRelu norm;
  bool relu = false;
  TensorView y;
};

/// Backward of all three. With xhat = (x - mean) * inv_std and dz = grad_y (with relu: grad_y where
/// the recomputed output is positive, else 0): grad_beta = sum dz, grad_gamma = sum dz * xhat (both
/// overwritten), grad_x (= or +=) gamma * inv_std * (dz - grad_beta/M - xhat * grad_gamma/M), with
/// constant_statistics gamma * inv_std * dz. With mode overwrite grad_x may be grad_y itself.
struct BatchNormBackward {
  static constexpr const char* kName = "batch_norm_backward";
  ConstTensorView grad_y, x;
  NormRelu norm;
  bool relu = false;
  bool constant_statistics = false;  ///< mean and inv_std are not those of x
  TensorView grad_x;
  GradMode mode = GradMode::overwrite;
  TensorView grad_gamma, grad_beta;
};

/// y = NormRelu of x, for a reader that cannot apply it while it loads, rounded as those that can
/// would do it. y may be x itself.
struct NormReluForward {
  static constexpr const char* kName = "norm_relu_forward";
  ConstTensorView x;
  NormRelu norm;
  TensorView y;
};
/// Its backward: gradient and sums go where `grad_x` says, beside those of x's other readers.
/// grad_y may be grad_x.g itself when grad_x.mode is overwrite.
struct NormReluBackward {
  static constexpr const char* kName = "norm_relu_backward";
  ConstTensorView grad_y, x;
  NormRelu norm;
  NormReluGradient grad_x;
};

/// Statistics of a tensor whose writer could not take them: a pass over x.
struct ChannelStatistics {
  static constexpr const char* kName = "channel_statistics";
  ConstTensorView x;
  StatisticsOutput statistics;
};

/// grad_y = the deferred gradient, for a writer that cannot apply it. grad_y may be gradient.g.
struct ApplyDeferredGradient {
  static constexpr const char* kName = "apply_deferred_gradient";
  DeferredGradient gradient;
  TensorView grad_y;
};

/// inv_std = 1 / sqrt(variance + epsilon), for running statistics. inv_std may be the variance.
struct InverseDeviation {
  static constexpr const char* kName = "inverse_deviation";
  ConstTensorView variance;
  float epsilon = 1e-5F;
  TensorView inv_std;
};

/// One batch norm's running statistics and the batch statistics they take in.
struct RunningStatistics {
  const float* mean = nullptr;
  const float* variance = nullptr;  ///< biased
  float* running_mean = nullptr;
  float* running_var = nullptr;
  std::int64_t channels = 0;
  std::int64_t pixels = 0;
  float momentum = 0.1F;
};
/// The update of BatchNormOptions::momentum for all of them in one call.
struct UpdateRunningStatistics {
  static constexpr const char* kName = "update_running_statistics";
  const RunningStatistics* statistics = nullptr;
  std::int64_t count = 0;
};

}  // namespace accrete::kernels
