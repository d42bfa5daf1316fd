// SPDX-License-Identifier: Apache-2.0
// The operand that is gathered from an image: rows are pixels of the result, and k runs over the
// filter's taps and, within a tap, over channels. Nothing is ever laid out as a matrix in memory.
// Every tap is cut into steps of its own: a row is decoded once per block, a tap once per step.
// Images of few channels are in few_channels.cuh.
#pragma once

#include "conv/implicit_gemm/image_walk.cuh"
#include "conv/implicit_gemm/load_transform.cuh"
#include "conv/implicit_gemm/main_loop.cuh"

namespace accrete::kernels::cuda {

/// Of a step that lies within one tap: the tap and the k of its first element within that.
struct TapStep {
  std::int32_t tap, k;
};
template <int BK>
__device__ __forceinline__ TapStep tap_step(const Divisor& steps_per_tap, int step) {
  const auto s = static_cast<std::uint32_t>(step);
  const std::uint32_t tap = steps_per_tap.divide(s);
  return {static_cast<std::int32_t>(tap),
          static_cast<std::int32_t>(steps_per_tap.rest(s, tap)) * BK};
}

template <class T, int EXTENT, int BK, bool PACKS, class Transform>
struct GatherLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::k_contiguous>;
  static constexpr int kWidth = Operand::kPackWidth;
  static constexpr int kTiles = PACKS ? Transform::kTiles : 1;
  static constexpr bool kInPlace = PACKS && Transform::kActive;
  GatheredRows<T> source;
  const ImageWalk& walk;
  const Divisor& steps_per_tap;
  const PixelRow* rows;  // of the block, in shared memory
  Transform change;

  struct Step {
    TapPlace tap;
    std::int32_t channel;
  };
  __device__ __forceinline__ Step at(int step, int pack) const {
    const TapStep first = tap_step<BK>(steps_per_tap, step);
    const int channel = first.k + pack;
    return {walk.tap_place(channel < walk.channels() ? first.tap : walk.taps()), channel};
  }

  __device__ __forceinline__ void load(const Step& at, int line, T* shared) const {
    const PixelRow row = rows[line];
    const bool inside = walk.inside(row, at.tap);
    const std::int32_t pixel = row.pixel + at.tap.pixel;
    if constexpr (PACKS) {
      copy_pack<true>(shared, source.at(pixel, at.channel), inside ? kWidth : 0);
      if constexpr (kTiles == 2) {
        copy_pack<true>(shared + Operand::kElements, change.y.at(pixel, at.channel),
                        inside ? kWidth : 0);
      }
    } else {
      load_changed(change, source, pixel, at.channel, inside ? walk.channels() - at.channel : 0,
                   shared);
    }
  }

  /// Taps outside the image stay zero.
  __device__ __forceinline__ void transform(const Step& at, int line, T* shared) const {
    if (walk.inside(rows[line], at.tap)) {
      transform_pack(change, shared, shared + Operand::kElements, at.channel);
    }
  }
};

}  // namespace accrete::kernels::cuda
