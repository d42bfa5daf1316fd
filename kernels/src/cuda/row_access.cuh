// SPDX-License-Identifier: Apache-2.0
// Element-wise kernels: a tensor is rows (pixels) of channels, and one thread handles a pack of
// neighbouring channels of one row, 16 bytes where alignment allows and one element otherwise.
#pragma once

#include "accrete/kernels/tensor_view.h"
#include "cuda/bf16.cuh"
#include "cuda/launch.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Elements of a 16-byte pack.
template <class T>
constexpr int kPackWidth = static_cast<int>(16 / sizeof(T));

template <int V>
struct Pack {
  float v[V];
};

template <class T, int V>
__device__ __forceinline__ Pack<V> load_pack(const T* address) {
  Pack<V> pack;
  if constexpr (V == 1) {
    pack.v[0] = to_float(*address);
  } else {
    alignas(16) T values[V];
    *reinterpret_cast<uint4*>(values) = *reinterpret_cast<const uint4*>(address);
#pragma unroll
    for (int i = 0; i < V; ++i) {
      pack.v[i] = to_float(values[i]);
    }
  }
  return pack;
}

template <class T, int V>
__device__ __forceinline__ void store_pack(T* address, const Pack<V>& pack) {
  if constexpr (V == 1) {
    *address = from_float<T>(pack.v[0]);
  } else {
    alignas(16) T values[V];
#pragma unroll
    for (int i = 0; i < V; ++i) {
      values[i] = from_float<T>(pack.v[i]);
    }
    *reinterpret_cast<uint4*>(address) = *reinterpret_cast<const uint4*>(values);
  }
}

/// The rows of a view, for kernels.
template <class T>
struct Rows {
  T* data;
  std::int64_t pitch;

  explicit Rows(const TensorView& view) : data(static_cast<T*>(view.data)), pitch(view.pitch) {}
  __device__ Rows(T* data_in, std::int64_t pitch_in) : data(data_in), pitch(pitch_in) {}
  __device__ __forceinline__ T* at(std::int64_t row, std::int64_t channel) const {
    return data + row * pitch + channel;
  }
};

template <class T>
struct ConstRows {
  const T* data;
  std::int64_t pitch;

  explicit ConstRows(const ConstTensorView& view)
      : data(static_cast<const T*>(view.data)), pitch(view.pitch) {}
  __device__ __forceinline__ const T* at(std::int64_t row, std::int64_t channel) const {
    return data + row * pitch + channel;
  }
};

/// Whether every row of the view starts at a multiple of 16 bytes and holds whole packs.
inline bool packs_fit(const ConstTensorView& view) {
  const auto bytes = static_cast<std::int64_t>(dtype_bytes(view.dtype));
  return reinterpret_cast<std::uintptr_t>(view.data) % 16 == 0 && view.pitch * bytes % 16 == 0 &&
         view.shape.c * bytes % 16 == 0;
}

constexpr unsigned kPackThreads = 256;

/// body(row, channel) for channel = 0, V, 2V, ... of every row. Registers are left for four blocks
/// on a multiprocessor: of its own accord the compiler makes room for eight, and spills.
template <class Body>
__global__ void __launch_bounds__(kPackThreads, 4)
    for_each_pack(Body body, std::int64_t rows, std::int64_t packs) {
  const std::int64_t total = rows * packs;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < total;
       i += step) {
    // 64-bit divisions are slow; nearly every tensor fits in 32 bits.
    if (total <= 0xFFFFFFFFLL) {
      const auto row = static_cast<std::uint32_t>(i) / static_cast<std::uint32_t>(packs);
      body(row, (i - row * packs) * Body::kWidth);
    } else {
      body(i / packs, i % packs * Body::kWidth);
    }
  }
}

template <class Body>
void launch_packs(const Stream& stream, const char* op, const Body& body, std::int64_t rows,
                  std::int64_t channels) {
  constexpr std::int64_t kMostBlocks = 1 << 20;
  const std::int64_t packs = channels / Body::kWidth;
  const std::int64_t blocks = (rows * packs + kPackThreads - 1) / kPackThreads;
  launch(stream, op, &for_each_pack<Body>,
         {static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks), kPackThreads}, body,
         rows, packs);
}

/// Calls call.template operator()<T, V>() with the dtype's T and V = whole packs or 1.
template <class Call>
void with_packs(DType dtype, bool packs, const Call& call) {
  if (dtype == DType::bf16) {
    packs ? call.template operator()<bf16, kPackWidth<bf16>>()
          : call.template operator()<bf16, 1>();
  } else {
    packs ? call.template operator()<float, kPackWidth<float>>()
          : call.template operator()<float, 1>();
  }
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
