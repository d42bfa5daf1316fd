// SPDX-License-Identifier: Apache-2.0
// The two operands of the weight gradient, whose k are pixels. Images of few channels are in
// few_channels.cuh.
#pragma once

#include "conv/implicit_gemm/gather.cuh"

namespace accrete::kernels::cuda {

/// grad_y: a line is a pixel, its filters are contiguous.
template <class T, int EXTENT, int BK, bool PACKS, class Transform>
struct GradientLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  static constexpr int kTiles = PACKS ? Transform::kTiles : 1;
  static constexpr bool kInPlace = PACKS && Transform::kActive;
  GatheredRows<T> grad_y;
  std::int32_t filters, first_filter;
  PixelRange range;
  Transform change;

  struct Step {
    std::uint32_t pixel;  ///< of line 0
    std::int32_t filter, count;
  };
  __device__ __forceinline__ Step at(int step, int pack) const {
    const int filter = first_filter + pack;
    return {range.begin + static_cast<std::uint32_t>(step * BK), filter, filters - filter};
  }
  __device__ __forceinline__ void load(const Step& at, int line, T* shared) const {
    const std::uint32_t pixel = at.pixel + static_cast<std::uint32_t>(line);
    const auto row = static_cast<std::int32_t>(pixel);
    const int count = pixel < range.end ? at.count : 0;
    if constexpr (PACKS) {
      copy_pack<true>(shared, grad_y.at(row, at.filter), count);
      if constexpr (kTiles == 2) {
        copy_pack<true>(shared + Operand::kElements, change.y.at(row, at.filter), count);
      }
    } else {
      load_changed(change, grad_y, row, at.filter, count, shared);
    }
  }

  /// Pixels behind the range and filters behind the last stay zero.
  __device__ __forceinline__ void transform(const Step& at, int line, T* shared) const {
    if (at.pixel + static_cast<std::uint32_t>(line) < range.end && at.count > 0) {
      transform_pack(change, shared, shared + Operand::kElements, at.filter);
    }
  }
};

/// x gathered: a line is a pixel of grad_y, columns are (tap, channel): those of the block are in a
/// table in shared memory. The transform has no companion.
template <class T, int EXTENT, int BK, bool PACKS, class Transform>
struct PatchLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  static_assert(Transform::kTiles == 1);
  static constexpr int kTiles = 1;
  static constexpr bool kInPlace = PACKS && Transform::kActive;
  static constexpr int kTableEntries = EXTENT, kTableStep = 1;
  GatheredRows<T> x;
  const ImageWalk& walk;
  PixelRange range;
  const TapElement* columns;
  Transform change;

  struct Step {
    std::int32_t pixel;         ///< in the range, of line 0
    const TapElement* columns;  ///< of the pack
  };
  __device__ __forceinline__ Step at(int step, int pack) const {
    return {step * BK, columns + pack};
  }
  __device__ __forceinline__ void load(const Step& at, int line, T* shared) const {
    const PixelRow row = range.row(walk, at.pixel + line);
    const T* const pixel = ptx::global_in_register(x.at(row.pixel, 0));
    if constexpr (PACKS) {
      const TapElement column = at.columns[0];
      copy_pack<true>(shared, pixel + column.offset,
                      walk.inside(row, column) ? Operand::kPackWidth : 0);
    } else {
#pragma unroll
      for (int i = 0; i < Operand::kPackWidth; ++i) {
        const TapElement column = at.columns[i];
        shared[i] = walk.inside(row, column)
                        ? transformed(change, pixel[column.offset], 0.0F, column.channel)
                        : T{};
      }
    }
  }

  /// Taps outside the image stay zero.
  __device__ __forceinline__ void transform(const Step& at, int line, T* shared) const {
    if (walk.inside(range.row(walk, at.pixel + line), at.columns[0])) {
      transform_pack(change, shared, shared, at.columns[0].channel);
    }
  }
};

}  // namespace accrete::kernels::cuda
