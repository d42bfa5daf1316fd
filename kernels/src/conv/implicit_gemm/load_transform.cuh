// SPDX-License-Identifier: Apache-2.0
// What happens to an operand between memory and the product. A copy by cp.async cannot compute, so
// the thread that copied a pack changes it in place once it has arrived: it sees its own copies
// without a barrier, and the barrier that follows anyway shows the result to the others.
//
// A transform provides
//   kTiles       tiles of the operand per stage: 2 when a second tensor is loaded beside the first
//   kTables      per-channel tables of f32 in shared memory
//   kActive      whether anything changes
//   Arguments    what the kernel gets
//   operator()(value, companion, channel)
//   change(values, companions, channel)    the same for a pack, if it is active
#pragma once

#include "cuda/norm_vectors.cuh"
#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {

/// Rows of a tensor, some of which may not exist: an address is made of any number.
template <class T>
struct GatheredRows {
  const unsigned char* data;
  std::int32_t pitch;  ///< bytes, so that a row's address is one multiplication of 32 bits

  explicit GatheredRows(const ConstTensorView& view)
      : data(static_cast<const unsigned char*>(view.data)),
        pitch(static_cast<std::int32_t>(view.pitch) * kElementBytes) {}
  __device__ __forceinline__ std::int32_t elements() const { return pitch / kElementBytes; }
  __device__ __forceinline__ const T* at(std::int32_t row, std::int32_t channel) const {
    return reinterpret_cast<const T*>(data + static_cast<std::int64_t>(row) * pitch) + channel;
  }

 private:
  static constexpr std::int32_t kElementBytes = sizeof(T);
};

/// Of a table in shared memory, in vectors.
template <int WIDTH>
__device__ __forceinline__ Pack<WIDTH> load_table(const float* table) {
  Pack<WIDTH> values;
#pragma unroll
  for (int i = 0; i < WIDTH; i += 4) {
    const Pack<4> part = load_pack<float, 4>(table + i);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      values.v[i + k] = part.v[k];
    }
  }
  return values;
}

/// The operand as it is.
template <class T>
struct PlainLoad {
  static constexpr int kTiles = 1;
  static constexpr int kTables = 0;
  static constexpr bool kActive = false;
  struct Arguments {};

  __device__ PlainLoad(const Arguments& /*arguments*/, std::int32_t /*channels*/,
                       float* /*tables*/) {}
  __device__ __forceinline__ float operator()(float value, float /*companion*/,
                                              std::int32_t /*channel*/) const {
    return value;
  }
};

template <class T>
struct NormReluLoad {
  static constexpr int kTiles = 1;
  static constexpr int kTables = 2;
  static constexpr bool kActive = true;
  struct Arguments {
    NormVectors norm;
  };

  /// Fills the tables; the caller puts a barrier behind it.
  __device__ NormReluLoad(const Arguments& arguments, std::int32_t channels, float* tables)
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
  template <int WIDTH>
  __device__ __forceinline__ void change(Pack<WIDTH>& values, const Pack<WIDTH>& /*companions*/,
                                         std::int32_t channel) const {
    const Pack<WIDTH> scales = load_table<WIDTH>(scale + channel);
    const Pack<WIDTH> shifts = load_table<WIDTH>(shift + channel);
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      values.v[i] = norm_relu(values.v[i], scales.v[i], shifts.v[i]);
    }
  }

  const float* scale;
  const float* shift;
};

/// The companion is y.
template <class T>
struct DeferredGradientLoad {
  static constexpr int kTiles = 2;
  static constexpr int kTables = 3;
  static constexpr bool kActive = true;
  struct Arguments {
    DeferredGradientVectors due;
    GatheredRows<T> y;
  };

  __device__ DeferredGradientLoad(const Arguments& arguments, std::int32_t channels, float* tables)
      : y(arguments.y), of_g(tables), of_y(tables + channels), constant(tables + 2 * channels) {
    for (auto c = static_cast<std::int32_t>(threadIdx.x); c < channels;
         c += static_cast<std::int32_t>(blockDim.x)) {
      tables[c] = arguments.due.of_g(c);
      tables[channels + c] = arguments.due.of_y(c);
      tables[2 * channels + c] = arguments.due.constant(c);
    }
  }
  __device__ __forceinline__ float operator()(float value, float companion,
                                              std::int32_t channel) const {
    return applied(value, companion, of_g[channel], of_y[channel], constant[channel]);
  }
  template <int WIDTH>
  __device__ __forceinline__ void change(Pack<WIDTH>& values, const Pack<WIDTH>& companions,
                                         std::int32_t channel) const {
    const Pack<WIDTH> gs = load_table<WIDTH>(of_g + channel);
    const Pack<WIDTH> ys = load_table<WIDTH>(of_y + channel);
    const Pack<WIDTH> constants = load_table<WIDTH>(constant + channel);
#pragma unroll
    for (int i = 0; i < WIDTH; ++i) {
      values.v[i] = applied(values.v[i], companions.v[i], gs.v[i], ys.v[i], constants.v[i]);
    }
  }

  GatheredRows<T> y;
  const float* of_g;
  const float* of_y;
  const float* constant;
};

template <class T>
typename DeferredGradientLoad<T>::Arguments deferred_arguments(const DeferredGradient& gradient) {
  return {DeferredGradientVectors(gradient), GatheredRows<T>(companion(gradient))};
}

/// An element, changed.
template <class T, class Transform>
__device__ __forceinline__ T transformed(const Transform& transform, T value, float companion,
                                         std::int32_t channel) {
  if constexpr (Transform::kActive) {
    return from_float<T>(transform(to_float(value), companion, channel));
  } else {
    return value;
  }
}

/// The first `count` elements of a pack, changed; the others are zero.
template <class T, class Transform>
__device__ __forceinline__ void load_changed(const Transform& transform,
                                             const GatheredRows<T>& rows, std::int32_t row,
                                             std::int32_t channel, int count, T* shared) {
  const T* const values = rows.at(row, channel);
#pragma unroll
  for (int i = 0; i < kPackWidth<T>; ++i) {
    float companion = 0.0F;
    if constexpr (Transform::kTiles == 2) {
      companion = i < count ? to_float(transform.y.at(row, channel)[i]) : 0.0F;
    }
    shared[i] = i < count ? transformed(transform, values[i], companion, channel + i) : T{};
  }
}

/// Changes a 16-byte pack of neighbouring channels in shared memory, of a tensor of whole packs.
template <class T, class Transform>
__device__ __forceinline__ void transform_pack(const Transform& transform, T* pack,
                                               const T* companion, std::int32_t channel) {
  constexpr int kWidth = kPackWidth<T>;
  Pack<kWidth> values = load_pack<T, kWidth>(pack);
  const Pack<kWidth> others = load_pack<T, kWidth>(Transform::kTiles == 2 ? companion : pack);
  transform.change(values, others, channel);
  store_pack<T, kWidth>(pack, values);
}

}  // namespace accrete::kernels::cuda
