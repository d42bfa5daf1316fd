// SPDX-License-Identifier: Apache-2.0
// What happens to an operand between memory and the product. A copy by cp.async cannot compute, so
// the thread that copied a pack changes it in place once it has arrived: it sees its own copies
// without a barrier, and the barrier that follows anyway shows the result to the others.
//
// A transform provides
//   kTiles       tiles of the operand per stage: 2 when a second tensor is loaded beside the first
//   kTables      per-channel tables in shared memory
//   Arguments    what the kernel gets
//   operator()(value, companion, channel)
#pragma once

#include "cuda/norm_vectors.cuh"
#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// The operand as it is.
template <class T>
struct KeepLoaded {
  static constexpr int kTiles = 1;
  static constexpr int kTables = 0;
  static constexpr bool kActive = false;
  struct Arguments {};

  __device__ KeepLoaded(const Arguments& /*arguments*/, std::int32_t /*channels*/,
                        float* /*tables*/) {}
  __device__ __forceinline__ float operator()(float value, float /*companion*/,
                                              std::int32_t /*channel*/) const {
    return value;
  }
};

template <class T>
struct NormReluOnLoad {
  static constexpr int kTiles = 1;
  static constexpr int kTables = 2;
  static constexpr bool kActive = true;
  struct Arguments {
    NormVectors norm;
  };

  /// Fills the tables; the caller puts a barrier behind it.
  __device__ NormReluOnLoad(const Arguments& arguments, std::int32_t channels, float* tables)
      : scale(tables), shift(tables + channels) {
    for (auto c = static_cast<std::int32_t>(threadIdx.x); c < channels;
         c += static_cast<std::int32_t>(blockDim.x)) {
      tables[c] = arguments.norm.scale(c);
      tables[channels + c] = arguments.norm.shift(c);
    }
  }
  __device__ __forceinline__ float operator()(float value, float /*companion*/,
                                              std::int32_t channel) const {
    return norm_relu(value, scale[channel], shift[channel]);
  }

  const float* scale;
  const float* shift;
};

/// The companion is y.
template <class T>
struct DeferredOnLoad {
  static constexpr int kTiles = 2;
  static constexpr int kTables = 3;
  static constexpr bool kActive = true;
  struct Arguments {
    DeferredVectors due;
    ConstRows<T> y;
  };

  __device__ DeferredOnLoad(const Arguments& arguments, std::int32_t channels, float* tables)
      : y(arguments.y), p(tables), q(tables + channels), r(tables + 2 * channels) {
    for (auto c = static_cast<std::int32_t>(threadIdx.x); c < channels;
         c += static_cast<std::int32_t>(blockDim.x)) {
      tables[c] = arguments.due.p(c);
      tables[channels + c] = arguments.due.q(c);
      tables[2 * channels + c] = arguments.due.r(c);
    }
  }
  __device__ __forceinline__ float operator()(float value, float companion,
                                              std::int32_t channel) const {
    return applied(value, companion, p[channel], q[channel], r[channel]);
  }

  ConstRows<T> y;
  const float* p;
  const float* q;
  const float* r;
};

template <class T>
typename DeferredOnLoad<T>::Arguments deferred_arguments(const DeferredGradient& gradient) {
  return {DeferredVectors(gradient), ConstRows<T>(companion(gradient))};
}

/// Changes a 16-byte pack of neighbouring channels in shared memory.
template <class T, class Transform>
__device__ __forceinline__ void transform_pack(const Transform& transform, T* pack,
                                               const T* companion, std::int32_t channel) {
  constexpr int kWidth = kPackWidth<T>;
  alignas(16) T values[kWidth];
  alignas(16) T others[kWidth];
  *reinterpret_cast<uint4*>(values) = *reinterpret_cast<const uint4*>(pack);
  if constexpr (Transform::kTiles == 2) {
    *reinterpret_cast<uint4*>(others) = *reinterpret_cast<const uint4*>(companion);
  }
#pragma unroll
  for (int i = 0; i < kWidth; ++i) {
    const float other = Transform::kTiles == 2 ? to_float(others[i]) : 0.0F;
    values[i] = from_float<T>(transform(to_float(values[i]), other, channel + i));
  }
  *reinterpret_cast<uint4*>(pack) = *reinterpret_cast<const uint4*>(values);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
