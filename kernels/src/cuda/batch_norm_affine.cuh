// SPDX-License-Identifier: Apache-2.0
// The per-channel vectors of batch norm and the value it gives an element.
#pragma once

#include "cuda/platform.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

struct BatchNormAffine {
  const float* gamma;
  const float* beta;
  const float* mean;
  const float* inv_std;   ///< null: 1 / sqrt(variance + epsilon)
  const float* variance;  ///< where inv_std is null
  float epsilon;

  __device__ __forceinline__ float deviation_inverse(std::int64_t channel) const {
    return inv_std != nullptr ? inv_std[channel] : 1.0F / sqrtf(variance[channel] + epsilon);
  }
  /// (x - mean) * inv_std
  __device__ __forceinline__ float xhat(float x, std::int64_t channel) const {
    return (x - mean[channel]) * deviation_inverse(channel);
  }
  __device__ __forceinline__ float normalised(float x, std::int64_t channel) const {
    return __fmaf_rn(xhat(x, channel), gamma[channel], beta[channel]);
  }
};

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
