// SPDX-License-Identifier: Apache-2.0
// The per-channel vectors of batch norm and the value it gives an element.
#pragma once

#include "cuda/norm_packs.cuh"

namespace accrete::kernels::cuda {

struct BatchNormAffine {
  const float* gamma;
  const float* beta;
  const float* mean;
  const float* inv_std;             ///< null: 1 / sqrt(variance + epsilon)
  const float* variance = nullptr;  ///< where inv_std is null
  float epsilon = 0.0F;

  bool fits_packs() const { return vectors_fit(gamma, beta, mean, inv_std, variance); }
};

inline BatchNormAffine affine_of(const NormRelu& norm) {
  return {norm.gamma.f32(), norm.beta.f32(), norm.mean.f32(), norm.inv_std.f32()};
}

/// The same for a pack of channels, in registers.
template <int V>
struct AffinePack {
  Pack<V> gamma, beta, mean, inv_std;

  template <class Channels>
  __device__ __forceinline__ AffinePack(const BatchNormAffine& affine, const Channels& channels)
      : gamma(load_vector(affine.gamma, channels)),
        beta(load_vector(affine.beta, channels)),
        mean(load_vector(affine.mean, channels)) {
    if (affine.inv_std != nullptr) {
      inv_std = load_vector(affine.inv_std, channels);
      return;
    }
    const Pack<V> variance = load_vector(affine.variance, channels);
#pragma unroll
    for (int i = 0; i < V; ++i) {
      inv_std.v[i] = 1.0F / sqrtf(variance.v[i] + affine.epsilon);
    }
  }
  /// (x - mean) * inv_std
  __device__ __forceinline__ float xhat(float x, int i) const {
    return (x - mean.v[i]) * inv_std.v[i];
  }
  __device__ __forceinline__ float normalised(float x, int i) const {
    return __fmaf_rn(xhat(x, i), gamma.v[i], beta.v[i]);
  }
};

}  // namespace accrete::kernels::cuda
