// SPDX-License-Identifier: Apache-2.0
// The operand that is gathered from an image: rows are pixels of the result, and k runs over the
// filter's taps and, within a tap, over channels. Nothing is ever laid out as a matrix in memory.
// A row is decoded once per block, a tap once per step.
#pragma once

#include "cuda/implicit_gemm/image_walk.cuh"
#include "cuda/implicit_gemm/load_transform.cuh"
#include "cuda/implicit_gemm/main_loop.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Steps of BK along k. VECTOR: every tap is cut into steps of its own, so that a step lies within
/// one tap. Else k is the flat index of (tap, channel), which wastes nothing on few channels.
template <bool VECTOR, int BK>
__device__ __forceinline__ int steps_along_taps(const ImageWalk& walk) {
  const int channels = walk.channels();
  return VECTOR ? walk.taps() * ((channels + BK - 1) / BK) : (walk.taps() * channels + BK - 1) / BK;
}

template <class T, int EXTENT, int BK, bool VECTOR, class Transform>
struct GatherLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::k_contiguous>;
  static constexpr int kWidth = Operand::kPackWidth;
  static constexpr int kTiles = VECTOR ? Transform::kTiles : 1;
  static constexpr bool kInPlace = VECTOR && Transform::kActive;
  GatheredRows<T> source;
  const ImageWalk& walk;
  const Divisor& steps_per_tap;
  const PixelRow* rows;  // of the block, in shared memory
  Transform change;

  /// What a pack of the step reads: one tap, or one for each element.
  static constexpr int kTapsOfPack = VECTOR ? 1 : kWidth;
  struct Step {
    TapPlace tap[kTapsOfPack];
    std::int32_t channel[kTapsOfPack];
  };

  __device__ __forceinline__ Step at(int step, int pack) const {
    Step at;
    if constexpr (VECTOR) {
      const auto tap = static_cast<int>(steps_per_tap.divide(static_cast<std::uint32_t>(step)));
      const int first = tap * static_cast<int>(steps_per_tap.value());
      at.channel[0] = (step - first) * BK + pack;
      at.tap[0] = walk.tap_place(at.channel[0] < walk.channels() ? tap : walk.taps());
    } else {
#pragma unroll
      for (int i = 0; i < kWidth; ++i) {
        const int k = step * BK + pack + i;
        const int tap = walk.tap_of(k);
        at.channel[i] = k - tap * walk.channels();
        at.tap[i] = walk.tap_place(tap);
      }
    }
    return at;
  }

  __device__ __forceinline__ void load(const Step& at, int line, T* shared) const {
    const PixelRow row = rows[line];
    if constexpr (VECTOR) {
      const int count = walk.inside(row, at.tap[0]) ? kWidth : 0;
      const std::int32_t pixel = row.pixel + at.tap[0].pixel;
      copy_pack<true>(shared, source.at(pixel, at.channel[0]), count);
      if constexpr (kTiles == 2) {
        copy_pack<true>(shared + Operand::kElements, change.y.at(pixel, at.channel[0]), count);
      }
    } else {
#pragma unroll
      for (int i = 0; i < kWidth; ++i) {
        const std::int32_t pixel = row.pixel + at.tap[i].pixel;
        shared[i] = walk.inside(row, at.tap[i]) ? transformed(change, source, pixel, at.channel[i])
                                                : from_float<T>(0.0F);
      }
    }
  }

  /// Taps outside the image stay zero.
  __device__ __forceinline__ void transform(const Step& at, int line, T* shared) const {
    if (walk.inside(rows[line], at.tap[0])) {
      transform_pack(change, shared, shared + Operand::kElements, at.channel[0]);
    }
  }
};

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
