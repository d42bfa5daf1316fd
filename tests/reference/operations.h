// SPDX-License-Identifier: Apache-2.0
// Operations in double precision, straight from their definitions. Tensors are packed NHWC, weights
// [K,R,S,C].
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "accrete/kernels/image_batch.h"
#include "accrete/kernels/problem.h"

namespace accrete::reference {

std::vector<double> conv_forward(const ConvProblem& problem, const std::vector<double>& x,
                                 const std::vector<double>& weight,
                                 const std::vector<double>& bias);
std::vector<double> conv_dgrad(const ConvProblem& problem, const std::vector<double>& grad_y,
                               const std::vector<double>& weight);
std::vector<double> conv_wgrad(const ConvProblem& problem, const std::vector<double>& x,
                               const std::vector<double>& grad_y);
std::vector<double> bias_grad(const Shape& shape, const std::vector<double>& grad_y);

// Pooling in double precision, by scattering: every window in raster order, every tap in raster
// order. Tensors are packed NHWC.

struct MaxPoolResult {
  std::vector<double> y;
  std::vector<int> winner;
};

MaxPoolResult max_pool_forward(const PoolProblem& problem, const std::vector<double>& x);
std::vector<double> max_pool_backward(const PoolProblem& problem, const std::vector<double>& grad_y,
                                      const std::vector<int>& winner);

std::vector<double> average_pool_forward(const PoolProblem& problem, const std::vector<double>& x);
std::vector<double> average_pool_backward(const PoolProblem& problem,
                                          const std::vector<double>& grad_y);

// Rectified linear unit in double precision.

std::vector<double> relu_forward(const std::vector<double>& x);
std::vector<double> relu_backward(const std::vector<double>& grad_y, const std::vector<double>& y);

// Dropout in double precision, with its own Philox.

/// Philox4x32-10 of a 128-bit counter and a 64-bit key, lowest words first.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

/// x is packed: element i takes word i % 4 of counter i / 4.
std::vector<double> dropout(double rate, std::uint64_t seed, std::uint64_t stream,
                            const std::vector<double>& x);

// Softmax cross-entropy in double precision.

struct SoftmaxCrossEntropy {
  std::vector<double> probabilities;
  std::vector<double> grad_logits;
  double loss = 0.0;
  double correct = 0.0;
};

/// logits is [labels.size(), classes].
SoftmaxCrossEntropy softmax_cross_entropy(std::size_t classes, const std::vector<double>& logits,
                                          const std::vector<std::int32_t>& labels);

// A batch made from images kept as bytes, in double precision.

/// One image of P x Q pixels. `bytes` [H,W,C] is the picked image.
std::vector<double> batch_image(const kernels::ImageTransform& transform,
                                const std::vector<std::uint8_t>& bytes,
                                const kernels::ImagePick& pick, std::int64_t P, std::int64_t Q);

}  // namespace accrete::reference
