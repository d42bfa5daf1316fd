// SPDX-License-Identifier: Apache-2.0
// What becomes of a chunk of the data's gradient. Each warp has whole rows of it, whose part of g,
// and of x if there is a norm, waits in shared memory; the new g goes back there and out in whole
// packs.
//   with a norm   dz = sum where scale * x + shift > 0, else 0; g (= or +=) factor * dz; sums over
//                 the tile's rows of dz and of dz * xhat
//   without       g (= or +=) sum
#pragma once

#include "conv/band/column_sums.cuh"
#include "conv/band/copies.cuh"
#include "cuda/norm_gradient.cuh"

namespace accrete::kernels::cuda {

/// What the epilogue of a gradient through NormRelu gets.
struct NormGradientTarget {
  static constexpr bool kNorm = true;
  PackSource x;
  Rows<bf16> g;
  bool accumulate;
  NormGradientVectors norm;
  ChunkResults results;
  NormGradientSums sink;
};

/// The same of a plain gradient.
struct PlainTarget {
  static constexpr bool kNorm = false;
  Rows<bf16> g;
  bool accumulate;
};

template <class Tile, class Target, int ALIGN>
class GradientEpilogue {
  static_assert(Tile::WN == Tile::BN, "a warp has whole rows");
  static constexpr int kRowBytes = 2 * Tile::BN + kPackBytes;
  static constexpr int kTensorBytes = Tile::BM * kRowBytes;
  static constexpr int kChunks = 2 * Tile::BN / ALIGN;  // of a row, moved by a lane each
  static constexpr int kRowsAtOnce = 32 / kChunks;

 public:
  /// Shared memory for g and x on their way.
  static constexpr int kOwnBytes = Target::kNorm ? 2 * kTensorBytes : kTensorBytes;
  /// For vectors of channels and for sums, twice: those of the chunk before may still be read.
  static constexpr int kVectorBytes = Target::kNorm ? Tile::BN * 16 : 0;
  static constexpr int kSumFloats = 2 * Tile::kWarpsM * Tile::BN;
  static constexpr int kSumBytes = Target::kNorm ? kSumFloats * 4 : 0;
  static constexpr int kSharedBytes = 2 * (kVectorBytes + kSumBytes);

  __device__ __forceinline__ GradientEpilogue(const Target& arguments, int first_pixel, int pixels,
                                              int all_channels, unsigned char* own_memory,
                                              unsigned char* memory)
      : target(arguments),
        first(first_pixel),
        rows(pixels),
        channels(all_channels),
        own(own_memory),
        vectors(memory),
        sums_of(reinterpret_cast<float*>(memory + 2 * kVectorBytes)) {}

  /// Sends for the chunk's g and x, by the warp that will read them.
  __device__ __forceinline__ void fetch(int column) const {
    const int part = own_part();
    const bool inside = column + part * (ALIGN / 2) < channels;
    const PackSource g{
        reinterpret_cast<const unsigned char*>(target.g.at(first, column + part * (ALIGN / 2))),
        static_cast<std::uint32_t>(target.g.pitch * 2)};
    for_own_rows([&](int row) {
      const bool exists = inside && row < rows;
      unsigned char* const to = own + row * kRowBytes + part * ALIGN;
      copy<ALIGN>(to, g.at(row), exists && target.accumulate);
      if constexpr (Target::kNorm) {
        copy<ALIGN>(to + kTensorBytes, target.x.from(first, column + part * (ALIGN / 2)).at(row),
                    exists);
      }
    });
  }

  /// Tables of a chunk's channels: scale, shift, mean and factor; a barrier follows.
  __device__ __forceinline__ void fill_vectors(int column, int parity) const {
    if constexpr (Target::kNorm) {
      const int i = static_cast<int>(threadIdx.x);
      const int c = column + i;
      if (i < Tile::BN) {
        reinterpret_cast<float4*>(vectors + parity * kVectorBytes)[i] =
            c < channels ? make_float4(target.norm.scale(c), target.norm.shift(c),
                                       target.norm.mean[c], target.norm.gradient_factor(c))
                         : make_float4(0.0F, 0.0F, 0.0F, 0.0F);
      }
    }
  }

  /// The copies have arrived. Leaves sums for `put_sums`, which a barrier has to precede.
  __device__ __forceinline__ void finish(const Accumulators<Tile>& sums, int column,
                                         int parity) const {
    __syncwarp();  // what other lanes of the warp have copied
    if constexpr (Target::kNorm) {
      through_norm(sums, parity);
    } else {
      add(sums);
    }
    __syncwarp();
    store(column);
    __syncwarp();  // g and x have been read out
  }

  /// The tile's sums of a chunk's channels.
  __device__ __forceinline__ void put_sums(int number, int column, int parity) const {
    if constexpr (Target::kNorm) {
      const float* from = sums_of + parity * kSumFloats;
      for (int i = static_cast<int>(threadIdx.x); i < Tile::BN && column + i < channels;
           i += Tile::kThreads) {
        const std::int64_t index = number * target.results.channels + column + i;
        target.results.chunk.first[index] = sum_warps<Tile>(from, i);
        target.results.chunk.second[index] =
            sum_warps<Tile>(from + kSumFloats / 2, i) * target.norm.inv_std[column + i];
      }
    }
  }

 private:
  const Target& target;
  int first, rows, channels;
  unsigned char* own;
  unsigned char* vectors;
  float* sums_of;

  template <int BYTES>
  __device__ static __forceinline__ void copy(unsigned char* to, const unsigned char* from,
                                              bool valid) {
    if constexpr (BYTES == kPackBytes) {
      ptx::cp_async_16(to, from, valid);
    } else {
      ptx::cp_async_8(to, from, valid);
    }
  }

  // A lane moves this part of ALIGN bytes of every kRowsAtOnce-th of its warp's rows.
  __device__ static __forceinline__ int own_part() {
    return static_cast<int>(threadIdx.x) % 32 % kChunks;
  }
  template <class Body>
  __device__ __forceinline__ void for_own_rows(const Body& body) const {
    const ThreadPlace<Tile> at;
#pragma unroll
    for (int i = 0; i < Tile::WM; i += kRowsAtOnce) {
      body(at.warp_m + i + at.lane / kChunks);
    }
  }

  // body(piece i, half, address of the pair in g) for this lane's rows of column pair j.
  template <class Body>
  __device__ __forceinline__ void for_pairs(int j, const Body& body) const {
    const ThreadPlace<Tile> at;
#pragma unroll
    for (int i = 0; i < Tile::MI; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        body(i, half, own + at.row(i, 2 * half) * kRowBytes + at.column(j, 0) * 2);
      }
    }
  }

  __device__ __forceinline__ void add(const Accumulators<Tile>& sums) const {
#pragma unroll
    for (int j = 0; j < Tile::NI; ++j) {
      for_pairs(j, [&](int i, int half, unsigned char* at) {
        auto* pair = reinterpret_cast<std::uint32_t*>(at);
        const float2 before = unpack_bf16x2(*pair);
        *pair = ptx::to_bf16x2(before.x + sums.v[i][j][2 * half],
                               before.y + sums.v[i][j][2 * half + 1]);
      });
    }
  }

  // Rows that do not exist let nothing pass: comparing with infinity instead of 0 costs nothing.
  __device__ __forceinline__ float threshold(int i, int half) const {
    return ThreadPlace<Tile>().row(i, 2 * half) < rows ? 0.0F : INFINITY;
  }

  __device__ __forceinline__ void through_norm(const Accumulators<Tile>& sums, int parity) const {
    const ThreadPlace<Tile> at;
    const auto* of_chunk = reinterpret_cast<const float4*>(vectors + parity * kVectorBytes);
    LaneColumns<Tile> dz_sum{};
    LaneColumns<Tile> product{};
#pragma unroll
    for (int j = 0; j < Tile::NI; ++j) {
      const float4 n0 = of_chunk[at.column(j, 0)];
      const float4 n1 = of_chunk[at.column(j, 1)];
      for_pairs(j, [&](int i, int half, unsigned char* pair) {
        auto* g = reinterpret_cast<std::uint32_t*>(pair);
        const float2 x = unpack_bf16x2(*reinterpret_cast<std::uint32_t*>(pair + kTensorBytes));
        const float2 before = unpack_bf16x2(*g);
        const float least = threshold(i, half);
        const float dz0 = __fmaf_rn(x.x, n0.x, n0.y) > least ? sums.v[i][j][2 * half] : 0.0F;
        const float dz1 = __fmaf_rn(x.y, n1.x, n1.y) > least ? sums.v[i][j][2 * half + 1] : 0.0F;
        dz_sum.v[2 * j] += dz0;
        dz_sum.v[2 * j + 1] += dz1;
        product.v[2 * j] = __fmaf_rn(dz0, x.x - n0.z, product.v[2 * j]);
        product.v[2 * j + 1] = __fmaf_rn(dz1, x.y - n1.z, product.v[2 * j + 1]);
        *g = ptx::to_bf16x2(__fmaf_rn(n0.w, dz0, before.x), __fmaf_rn(n1.w, dz1, before.y));
      });
    }
    float* to = sums_of + parity * kSumFloats;
    sum_lanes<Tile>(dz_sum, to);
    sum_lanes<Tile>(product, to + kSumFloats / 2);
  }

  __device__ __forceinline__ void store(int column) const {
    using Part = std::conditional_t<ALIGN == kPackBytes, uint4, uint2>;
    const int part = own_part();
    const int c = column + part * (ALIGN / 2);
    bf16* const g = target.g.at(first, c);
    const auto pitch = static_cast<std::uint32_t>(target.g.pitch);
    for_own_rows([&](int row) {
      if (row < rows && c < channels) {
        *reinterpret_cast<Part*>(g + static_cast<std::uint32_t>(row) * pitch) =
            *reinterpret_cast<const Part*>(own + row * kRowBytes + part * ALIGN);
      }
    });
  }
};

}  // namespace accrete::kernels::cuda
