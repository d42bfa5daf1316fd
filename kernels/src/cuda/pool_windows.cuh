// SPDX-License-Identifier: Apache-2.0
// Which pixels a pooling window covers and which windows cover a pixel, along one axis.
#pragma once

#include "accrete/kernels/problem.h"
#include "cuda/platform.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Half-open range.
struct Span {
  std::int32_t begin;
  std::int32_t end;
};

struct PoolAxis {
  std::int32_t input;
  std::int32_t output;
  std::int32_t window;
  std::int32_t stride;
  std::int32_t pad;

  /// Taps of window `p` inside the image.
  __device__ __forceinline__ Span taps(std::int32_t p) const {
    const std::int32_t origin = p * stride - pad;
    const std::int32_t room = input - origin;
    return {origin < 0 ? -origin : 0, room < window ? room : window};
  }
  /// Windows that cover input position `h`.
  __device__ __forceinline__ Span windows(std::int32_t h) const {
    const std::int32_t first = h + pad - window + 1;
    const std::int32_t last = (h + pad) / stride + 1;
    return {first <= 0 ? 0 : (first + stride - 1) / stride, last < output ? last : output};
  }
};

/// The two axes of a problem and where a flat row index lies in [N, H, W].
struct PoolGeometry {
  PoolAxis vertical;
  PoolAxis horizontal;
  bool count_padding;

  explicit PoolGeometry(const PoolProblem& problem)
      : vertical(axis(problem.H, problem.P(), problem.R, problem.stride_h, problem.pad_h)),
        horizontal(axis(problem.W, problem.Q(), problem.S, problem.stride_w, problem.pad_w)),
        count_padding(problem.count_padding) {}

  /// What the average of window (p, q) divides by.
  __device__ __forceinline__ float taps_counted(const Span& r, const Span& s) const {
    const std::int32_t taps =
        count_padding ? vertical.window * horizontal.window : (r.end - r.begin) * (s.end - s.begin);
    return static_cast<float>(taps);
  }

 private:
  static PoolAxis axis(std::int64_t input, std::int64_t output, std::int64_t window,
                       std::int64_t stride, std::int64_t pad) {
    return {static_cast<std::int32_t>(input), static_cast<std::int32_t>(output),
            static_cast<std::int32_t>(window), static_cast<std::int32_t>(stride),
            static_cast<std::int32_t>(pad)};
  }
};

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
