// SPDX-License-Identifier: Apache-2.0
// What becomes of a 16-byte pack, 8 neighbouring bf16 channels of one pixel, between memory and the
// product. A change provides
//   kActive        whether anything changes
//   kTensors       tensors that are loaded: 2 when a companion stands beside the first
//   kTableBytes    of its table in shared memory, per channel
//   Arguments      what the kernel gets
//   fill_table     by all threads of a block, zero behind the last channel; a barrier follows
//   Coefficients   what the table says of the channels of a pack
//   changed        the pack, computed in f32 and rounded once
#pragma once

#include "conv/band/copies.cuh"
#include "cuda/bf16.cuh"
#include "cuda/norm_vectors.cuh"

namespace accrete::kernels::cuda {

/// The pack as it is.
struct PlainPacks {
  static constexpr bool kActive = false;
  static constexpr int kTensors = 1;
  static constexpr int kTableBytes = 0;
  struct Arguments {};
  struct Coefficients {};
  __device__ static __forceinline__ void fill_table(const Arguments& /*arguments*/,
                                                    int /*channels*/, int /*padded*/,
                                                    unsigned char* /*table*/) {}
};

/// max(0, scale * x + shift). The table has {scale, scale, shift, shift} of each pair of channels.
struct NormReluPacks {
  static constexpr bool kActive = true;
  static constexpr int kTensors = 1;
  static constexpr int kTableBytes = 8;
  struct Arguments {
    NormVectors norm;
  };
  struct Coefficients {
    float4 pair[4];
  };

  __device__ static __forceinline__ void fill_table(const Arguments& a, int channels, int padded,
                                                    unsigned char* table) {
    auto* pairs = reinterpret_cast<float4*>(table);
    for (int i = static_cast<int>(threadIdx.x); i < padded / 2; i += static_cast<int>(blockDim.x)) {
      const int c = 2 * i;
      pairs[i] = c < channels ? make_float4(a.norm.scale(c), a.norm.scale(c + 1), a.norm.shift(c),
                                            a.norm.shift(c + 1))
                              : make_float4(0.0F, 0.0F, 0.0F, 0.0F);
    }
  }
  __device__ static __forceinline__ Coefficients coefficients(const unsigned char* table,
                                                              int /*padded*/, int channel) {
    const auto* pairs = reinterpret_cast<const float4*>(table) + channel / 2;
    return {{pairs[0], pairs[1], pairs[2], pairs[3]}};
  }
  __device__ static __forceinline__ uint4 changed(const uint4& pack, const uint4& /*companion*/,
                                                  const Coefficients& k) {
    return {pair(pack.x, k.pair[0]), pair(pack.y, k.pair[1]), pair(pack.z, k.pair[2]),
            pair(pack.w, k.pair[3])};
  }

 private:
  __device__ static __forceinline__ std::uint32_t pair(std::uint32_t x, const float4& k) {
    const float2 v = unpack_bf16x2(x);
    return ptx::to_bf16x2_relu(__fmaf_rn(v.x, k.x, k.z), __fmaf_rn(v.y, k.y, k.w));
  }
};

/// g * of_g + y * of_y + constant, the companion being y. The table has {of_g, of_g, of_y, of_y} of
/// each pair of channels, and behind those {constant, constant}.
struct DeferredGradientPacks {
  static constexpr bool kActive = true;
  static constexpr int kTensors = 2;
  static constexpr int kTableBytes = 12;
  struct Arguments {
    DeferredGradientVectors due;
    PackSource y;
  };
  struct Coefficients {
    float4 factors[4];
    float4 constants[2];
  };

  __device__ static __forceinline__ void fill_table(const Arguments& a, int channels, int padded,
                                                    unsigned char* table) {
    auto* factors = reinterpret_cast<float4*>(table);
    auto* constants = reinterpret_cast<float2*>(table + padded * 8);
    for (int i = static_cast<int>(threadIdx.x); i < padded / 2; i += static_cast<int>(blockDim.x)) {
      const int c = 2 * i;
      const bool in = c < channels;
      factors[i] =
          in ? make_float4(a.due.of_g(c), a.due.of_g(c + 1), a.due.of_y(c), a.due.of_y(c + 1))
             : make_float4(0.0F, 0.0F, 0.0F, 0.0F);
      constants[i] =
          in ? make_float2(a.due.constant(c), a.due.constant(c + 1)) : make_float2(0.0F, 0.0F);
    }
  }
  __device__ static __forceinline__ Coefficients coefficients(const unsigned char* table,
                                                              int padded, int channel) {
    const auto* factors = reinterpret_cast<const float4*>(table) + channel / 2;
    const auto* constants = reinterpret_cast<const float4*>(table + padded * 8) + channel / 4;
    return {{factors[0], factors[1], factors[2], factors[3]}, {constants[0], constants[1]}};
  }
  __device__ static __forceinline__ uint4 changed(const uint4& g, const uint4& y,
                                                  const Coefficients& k) {
    return {pair(g.x, y.x, k.factors[0], k.constants[0].x, k.constants[0].y),
            pair(g.y, y.y, k.factors[1], k.constants[0].z, k.constants[0].w),
            pair(g.z, y.z, k.factors[2], k.constants[1].x, k.constants[1].y),
            pair(g.w, y.w, k.factors[3], k.constants[1].z, k.constants[1].w)};
  }

 private:
  __device__ static __forceinline__ std::uint32_t pair(std::uint32_t g, std::uint32_t y,
                                                       const float4& factors, float r0, float r1) {
    const float2 of_g = unpack_bf16x2(g);
    const float2 of_y = unpack_bf16x2(y);
    return ptx::to_bf16x2(applied(of_g.x, of_y.x, factors.x, factors.z, r0),
                          applied(of_g.y, of_y.y, factors.y, factors.w, r1));
  }
};

}  // namespace accrete::kernels::cuda
