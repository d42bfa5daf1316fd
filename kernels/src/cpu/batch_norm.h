// SPDX-License-Identifier: Apache-2.0
// CPU kernels of batch_norm.h; arguments are valid.
#pragma once

#include <cstddef>

#include "accrete/kernels/batch_norm.h"
#include "accrete/kernels/thread_pool.h"

namespace accrete::kernels::cpu {

/// The vectors over channels that the passes share.
struct BatchNormVectors {
  const float* gamma = nullptr;
  const float* beta = nullptr;
  const float* mean = nullptr;
  const float* inv_std = nullptr;
};

struct BatchNormStatistics {
  float* mean = nullptr;
  float* inv_std = nullptr;
  float* running_mean = nullptr;
  float* running_var = nullptr;
};

std::size_t batch_norm_workspace_bytes(const Shape& x);

/// Statistics of the batch, and the update of the running ones.
void batch_norm_statistics(ThreadPool& pool, const BatchNormOptions& options,
                           const ConstTensorView& x, const BatchNormStatistics& statistics,
                           float* workspace);

/// y = normalised x with the given mean and inv_std.
void batch_norm_normalise(ThreadPool& pool, bool relu, const ConstTensorView& x,
                          const BatchNormVectors& vectors, const TensorView& y);

/// The same where vectors.inv_std is null: 1 / sqrt(variance + epsilon) takes its place.
void batch_norm_normalise_running(ThreadPool& pool, const BatchNormOptions& options,
                                  const ConstTensorView& x, const BatchNormVectors& vectors,
                                  const float* variance, const TensorView& y);

/// grad_gamma and grad_beta.
void batch_norm_parameter_gradients(ThreadPool& pool, bool relu, const ConstTensorView& grad_y,
                                    const ConstTensorView& x, const BatchNormVectors& vectors,
                                    float* grad_gamma, float* grad_beta, float* workspace);

/// grad_x, from the finished grad_gamma and grad_beta.
void batch_norm_data_gradient(ThreadPool& pool, const BatchNormOptions& options,
                              const ConstTensorView& grad_y, const ConstTensorView& x,
                              const BatchNormVectors& vectors, const float* grad_gamma,
                              const float* grad_beta, const TensorView& grad_x, GradMode mode);

}  // namespace accrete::kernels::cpu
