// SPDX-License-Identifier: Apache-2.0
// The vectors of norm_vectors.cuh for a pack of channels, in registers. What they are is said there
// alone: the vectors' own formulas are applied to copies of the pack's elements.
#pragma once

#include "cuda/column_walk.cuh"
#include "cuda/norm_vectors.cuh"

namespace accrete::kernels::cuda {

/// The elements of a vector for some channels; if they are ALIGNED it has to be, see vectors_fit.
template <class T, bool ALIGNED>
__device__ __forceinline__ PackOf<T> load_vector(const float* vector,
                                                 const ChannelPack<T, ALIGNED>& channels) {
  PackOf<T> pack;
#pragma unroll
  for (int i = 0; i < kPackWidth<T>; i += 4) {
    const Pack<4> four = load_part<float, ALIGNED>(vector + channels.first + i, channels.count - i);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      pack.v[i + k] = four.v[k];
    }
  }
  return pack;
}

/// Whether packs of the vectors, which may be null, start at multiples of 16 bytes.
template <class... Vector>
bool vectors_fit(const Vector*... vectors) {
  return (... && (reinterpret_cast<std::uintptr_t>(vectors) % 16 == 0));
}
inline bool vectors_fit(const NormRelu& norm) {
  return vectors_fit(norm.mean.data, norm.inv_std.data, norm.gamma.data, norm.beta.data);
}
inline bool vectors_fit(const DeferredGradient& due) {
  return vectors_fit(due.mean.data, due.inv_std.data, due.a.data, due.b.data);
}

/// The vectors of NormRelu.
template <int V>
struct NormPack {
  Pack<V> scale, shift;

  template <class Channels>
  __device__ __forceinline__ NormPack(const NormVectors& norm, const Channels& channels) {
    const Pack<V> mean = load_vector(norm.mean, channels);
    const Pack<V> inv_std = load_vector(norm.inv_std, channels);
    const Pack<V> gamma = load_vector(norm.gamma, channels);
    const Pack<V> beta = load_vector(norm.beta, channels);
    NormVectors here = norm;
    here.mean = mean.v;
    here.inv_std = inv_std.v;
    here.gamma = gamma.v;
    here.beta = beta.v;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      scale.v[i] = here.scale(i);
      shift.v[i] = here.shift(i);
    }
  }
  __device__ __forceinline__ Pack<V> norm_relu(const Pack<V>& x) const {
    Pack<V> y;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      y.v[i] = cuda::norm_relu(x.v[i], scale.v[i], shift.v[i]);
    }
    return y;
  }
};

/// The vectors of a deferred gradient.
template <int V>
struct DeferredGradientPack {
  Pack<V> of_g, of_y, constant;

  template <class Channels>
  __device__ __forceinline__ DeferredGradientPack(const DeferredGradientVectors& due,
                                                  const Channels& channels) {
    if (due.mean == nullptr) {
      fill(due);
      return;
    }
    const Pack<V> mean = load_vector(due.mean, channels);
    const Pack<V> inv_std = load_vector(due.inv_std, channels);
    const Pack<V> a = load_vector(due.a, channels);
    const Pack<V> b = load_vector(due.b, channels);
    DeferredGradientVectors here = due;
    here.mean = mean.v;
    here.inv_std = inv_std.v;
    here.a = a.v;
    here.b = b.v;
    fill(here);
  }
  __device__ __forceinline__ Pack<V> applied(const Pack<V>& g, const Pack<V>& y) const {
    Pack<V> gradient;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      gradient.v[i] = cuda::applied(g.v[i], y.v[i], of_g.v[i], of_y.v[i], constant.v[i]);
    }
    return gradient;
  }

 private:
  __device__ __forceinline__ void fill(const DeferredGradientVectors& here) {
#pragma unroll
    for (int i = 0; i < V; ++i) {
      of_g.v[i] = here.of_g(i);
      of_y.v[i] = here.of_y(i);
      constant.v[i] = here.constant(i);
    }
  }
};

}  // namespace accrete::kernels::cuda
