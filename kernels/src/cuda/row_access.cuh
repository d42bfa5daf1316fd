// SPDX-License-Identifier: Apache-2.0
// Element-wise kernels (for_each_pack). A tensor is rows (pixels) of channels, which move in packs:
// 16 bytes of neighbouring channels of one row where alignment allows, one element otherwise.
#pragma once

#include <algorithm>

#include "accrete/kernels/tensor_view.h"
#include "cuda/bf16.cuh"
#include "cuda/divisor.h"
#include "cuda/launch.cuh"

namespace accrete::kernels::cuda {

/// Elements of a 16-byte pack.
template <class T>
constexpr int kPackWidth = static_cast<int>(16 / sizeof(T));

template <int V>
struct Pack {
  float v[V];
};

/// 16 bytes of T.
template <class T>
using PackOf = Pack<kPackWidth<T>>;

template <class T, int V>
__device__ __forceinline__ Pack<V> load_pack(const T* address) {
  static_assert(V == 1 || V == kPackWidth<T>);
  if constexpr (V == 1) {
    return {{to_float(*address)}};
  } else if constexpr (V == 4) {
    const float4 values = *reinterpret_cast<const float4*>(address);
    return {{values.x, values.y, values.z, values.w}};
  } else {
    const uint4 pairs = *reinterpret_cast<const uint4*>(address);
    const float2 a = unpack_bf16x2(pairs.x), b = unpack_bf16x2(pairs.y);
    const float2 c = unpack_bf16x2(pairs.z), d = unpack_bf16x2(pairs.w);
    return {{a.x, a.y, b.x, b.y, c.x, c.y, d.x, d.y}};
  }
}

template <class T, int V>
__device__ __forceinline__ void store_pack(T* address, const Pack<V>& pack) {
  static_assert(V == 1 || V == kPackWidth<T>);
  const float(&v)[V] = pack.v;
  if constexpr (V == 1) {
    *address = from_float<T>(v[0]);
  } else if constexpr (V == 4) {
    *reinterpret_cast<float4*>(address) = make_float4(v[0], v[1], v[2], v[3]);
  } else {
    *reinterpret_cast<uint4*>(address) =
        make_uint4(ptx::to_bf16x2(v[0], v[1]), ptx::to_bf16x2(v[2], v[3]),
                   ptx::to_bf16x2(v[4], v[5]), ptx::to_bf16x2(v[6], v[7]));
  }
}

/// Sums and products of packs.
template <int V>
__device__ __forceinline__ void add_to(Pack<V>& sum, const Pack<V>& value) {
#pragma unroll
  for (int i = 0; i < V; ++i) {
    sum.v[i] += value.v[i];
  }
}

template <int V>
__device__ __forceinline__ void add_scaled(Pack<V>& sum, const Pack<V>& value, float scale) {
#pragma unroll
  for (int i = 0; i < V; ++i) {
    sum.v[i] = __fmaf_rn(value.v[i], scale, sum.v[i]);
  }
}

template <int V>
__device__ __forceinline__ Pack<V> scaled(Pack<V> value, float scale) {
#pragma unroll
  for (int i = 0; i < V; ++i) {
    value.v[i] *= scale;
  }
  return value;
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

/// Rows and columns of packs that one launch works through; they number fewer than 2^31.
struct PackBox {
  std::int64_t first_row, first_pack;
  std::uint32_t total;
  Divisor packs;  ///< of a row
};

/// Computes  body(row, channel), once, for every pack of a matrix of rows by channels.
/// Body      kWidth, the channels of a pack: kPackWidth<T> (16 bytes) or 1; operator()(row,
///           channel) const with the pack's first channel. It holds its tensors itself, [rows,
///           channels] of any pitch in elements (Rows, ConstRows).
/// Grid      min(ceil(total / 256), 2^20) blocks of 256 threads. Packs are numbered along a row,
///           then from row to row: thread number i of the grid has packs i, i + threads of the
///           grid, ...
/// Shared    none.
/// Limits    channels a multiple of kWidth; with kWidth > 1 packs_fit of every tensor; fewer than
///           2^31 packs (launch_packs cuts what has more into several launches).
/// Work      the body's bytes and FLOPs: every element is moved by one thread, once.
/// Registers are left for four blocks on a multiprocessor: of its own accord the compiler makes
/// room for eight, and spills.
template <class Body>
__global__ void __launch_bounds__(kPackThreads, 4) for_each_pack(Body body, PackBox box) {
  const std::uint32_t step = gridDim.x * kPackThreads;
  for (std::uint32_t i = blockIdx.x * kPackThreads + threadIdx.x; i < box.total; i += step) {
    const std::uint32_t row = box.packs.divide(i);
    body(box.first_row + row, (box.first_pack + box.packs.rest(i, row)) * Body::kWidth);
  }
}

/// Queues it for all packs of `channels` channels in `rows` rows: nearly always in one launch.
template <class Body>
void launch_packs(const Stream& stream, const char* op, const Body& body, std::int64_t rows,
                  std::int64_t channels) {
  constexpr std::int64_t kMostBlocks = 1 << 20;
  constexpr std::int64_t kMostPacks = (std::int64_t{1} << 31) - 1;
  const std::int64_t packs = channels / Body::kWidth;
  const std::int64_t width = std::min(packs, kMostPacks);
  const std::int64_t height = width == 0 ? rows : std::min(rows, kMostPacks / width);
  for (std::int64_t row = 0; row < rows; row += height) {
    for (std::int64_t pack = 0; pack < packs; pack += width) {
      const std::int64_t columns = std::min(width, packs - pack);
      const std::int64_t total = columns * std::min(height, rows - row);
      const std::int64_t blocks = std::min((total + kPackThreads - 1) / kPackThreads, kMostBlocks);
      launch(stream, op, &for_each_pack<Body>, {static_cast<unsigned>(blocks), kPackThreads}, body,
             PackBox{row, pack, static_cast<std::uint32_t>(total), Divisor(columns)});
    }
  }
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

}  // namespace accrete::kernels::cuda
