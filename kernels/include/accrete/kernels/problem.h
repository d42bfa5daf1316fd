// SPDX-License-Identifier: Apache-2.0
// Problem descriptions: plain structs shared by callers, kernels, benchmarks and tests.
// Names: N H W C input, K output channels, R S filter, P Q output height and width.
#pragma once

#include <cstdint>

#include "accrete/kernels/shape.h"

namespace accrete {

/// A 2-D cross-correlation: y[n,p,q,k] = bias[k] + sum over r,s,c of
/// x[n, p*stride_h - pad_h + r, q*stride_w - pad_w + s, c] * weight[k,r,s,c], x = 0 outside.
struct ConvProblem {
  std::int64_t N = 1, H = 1, W = 1, C = 1;
  std::int64_t K = 1, R = 1, S = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_h = 0, pad_w = 0;

  /// A fully connected layer on rows: x [N,1,1,C], weight [K,1,1,C], y [N,1,1,K].
  static ConvProblem linear(std::int64_t N, std::int64_t C, std::int64_t K) {
    ConvProblem problem;
    problem.N = N;
    problem.C = C;
    problem.K = K;
    return problem;
  }

  std::int64_t P() const { return (H + 2 * pad_h - R) / stride_h + 1; }
  std::int64_t Q() const { return (W + 2 * pad_w - S) / stride_w + 1; }
  Shape x_shape() const { return {N, H, W, C}; }
  Shape weight_shape() const { return {K, R, S, C}; }
  Shape y_shape() const { return {N, P(), Q(), K}; }
  /// Multiply-accumulates of one pass (forward, dgrad and wgrad are equal).
  std::int64_t macs() const { return N * P() * Q() * K * R * S * C; }
};

enum class PoolKind : std::uint8_t { max, average };

/// A 2-D pooling window. Output extents round down, as in the DenseNet and ResNet papers' code.
/// Padding rule: a padded tap never wins a maximum; an average divides by the taps inside the
/// image, or by R*S when `count_padding` is set. Every window must cover at least one pixel:
/// pad < window extent.
struct PoolProblem {
  PoolKind kind = PoolKind::max;
  std::int64_t N = 1, H = 1, W = 1, C = 1;
  std::int64_t R = 1, S = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_h = 0, pad_w = 0;
  bool count_padding = false;

  std::int64_t P() const { return (H + 2 * pad_h - R) / stride_h + 1; }
  std::int64_t Q() const { return (W + 2 * pad_w - S) / stride_w + 1; }
  Shape x_shape() const { return {N, H, W, C}; }
  Shape y_shape() const { return {N, P(), Q(), C}; }
};

}  // namespace accrete
