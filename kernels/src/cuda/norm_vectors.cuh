// SPDX-License-Identifier: Apache-2.0
// The per-channel vectors of NormRelu and of deferred gradients, and what they make of a value.
// Every kernel takes scale, shift and the product from here: the ReLU mask of a backward pass is
// then the one of the forward pass, bit for bit.
#pragma once

#include "accrete/kernels/norm_relu.h"
#include "cuda/platform.cuh"

namespace accrete::kernels::cuda {

struct NormVectors {
  const float* mean;
  const float* inv_std;
  const float* gamma;
  const float* beta;

  explicit NormVectors(const NormRelu& norm)
      : mean(norm.mean.f32()),
        inv_std(norm.inv_std.f32()),
        gamma(norm.gamma.f32()),
        beta(norm.beta.f32()) {}

  __device__ __forceinline__ float scale(std::int64_t c) const {
    return __fmul_rn(gamma[c], inv_std[c]);
  }
  __device__ __forceinline__ float shift(std::int64_t c) const {
    return __fmaf_rn(-mean[c], scale(c), beta[c]);
  }
  __device__ __forceinline__ float xhat(float x, std::int64_t c) const {
    return (x - mean[c]) * inv_std[c];
  }
};

/// What the gradient through NormRelu needs.
struct NormGradientVectors : NormVectors {
  bool deferred;

  NormGradientVectors(const NormRelu& norm, const NormReluGradient& out)
      : NormVectors(norm), deferred(out.deferred()) {}

  /// What dz counts in g.
  __device__ __forceinline__ float gradient_factor(std::int64_t c) const {
    return deferred ? gamma[c] : scale(c);
  }
};

/// max(0, x * scale + shift); NaN stays NaN.
__device__ __forceinline__ float norm_relu(float x, float scale, float shift) {
  const float z = __fmaf_rn(x, scale, shift);
  return z < 0.0F ? 0.0F : z;
}
__device__ __forceinline__ bool passes_relu(float x, float scale, float shift) {
  return __fmaf_rn(x, scale, shift) > 0.0F;
}

/// inv_std * (g - a - (y - mean) * inv_std * b) as g * of_g + y * of_y + constant.
struct DeferredGradientVectors {
  const float* mean;  // null: nothing is due, the gradient is g
  const float* inv_std;
  const float* a;
  const float* b;

  explicit DeferredGradientVectors(const DeferredGradient& gradient)
      : mean(gradient.mean.f32()),
        inv_std(gradient.inv_std.f32()),
        a(gradient.a.f32()),
        b(gradient.b.f32()) {}

  __device__ __forceinline__ float of_g(std::int64_t c) const {
    return mean == nullptr ? 1.0F : inv_std[c];
  }
  __device__ __forceinline__ float of_y(std::int64_t c) const {
    return mean == nullptr ? 0.0F : -inv_std[c] * inv_std[c] * b[c];
  }
  __device__ __forceinline__ float constant(std::int64_t c) const {
    return mean == nullptr ? 0.0F : -__fmaf_rn(mean[c], of_y(c), inv_std[c] * a[c]);
  }
};

__device__ __forceinline__ float applied(float g, float y, float of_g, float of_y, float constant) {
  return __fmaf_rn(of_g, g, __fmaf_rn(of_y, y, constant));
}

/// The tensor y of a deferred gradient; where nothing is due, g takes its place and counts 0 times.
inline const ConstTensorView& companion(const DeferredGradient& gradient) {
  return gradient.y ? gradient.y : gradient.g;
}

}  // namespace accrete::kernels::cuda
