// SPDX-License-Identifier: Apache-2.0
// The weights [K, taps, C] as operand: as they are for forward, transposed for dgrad. Filters of
// few channels are in few_channels.cuh.
#pragma once

#include "conv/implicit_gemm/gather.cuh"

namespace accrete::kernels::cuda {

/// What both loaders get.
template <class T>
struct FilterSource {
  const T* weight;
  std::int32_t filters, taps, channels;
  const Divisor& steps_per_tap;
  std::int32_t first_column;
};

/// Forward: lines are filters, k = (tap, channel) is contiguous.
template <class T, int EXTENT, int BK, bool PACKS>
struct FilterLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::k_contiguous>;
  FilterSource<T> source;
  const ImageWalk& walk;

  struct Step {
    std::int32_t k, count;  ///< of the pack, in a filter's row
  };
  __device__ __forceinline__ Step at(int step, int pack) const {
    const TapStep first = tap_step<BK>(source.steps_per_tap, step);
    const int channel = first.k + pack;
    return {first.tap * source.channels + channel, source.channels - channel};
  }
  __device__ __forceinline__ void load(const Step& at, int line, T* shared) const {
    const int filter = source.first_column + line;
    const T* row =
        source.weight + static_cast<std::int64_t>(filter) * (source.taps * source.channels);
    copy_pack<PACKS>(shared, row + at.k, filter < source.filters ? at.count : 0);
  }
};

/// dgrad: element (channel c, k = (tap of the walk, filter)) is weight[filter][tap][c], channels
/// are contiguous.
template <class T, int EXTENT, int BK, bool PACKS>
struct TransposedFilterLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  FilterSource<T> source;
  const ImageWalk& walk;

  struct Step {
    std::int32_t tap, filter;  ///< filter: of line 0
    std::int32_t channel;
  };
  __device__ __forceinline__ Step at(int step, int pack) const {
    const TapStep first = tap_step<BK>(source.steps_per_tap, step);
    return {walk.filter_tap(first.tap), first.k, source.first_column + pack};
  }
  __device__ __forceinline__ void load(const Step& at, int line, T* shared) const {
    const int filter = at.filter + line;
    const std::int64_t row = static_cast<std::int64_t>(filter) * source.taps + at.tap;
    copy_pack<PACKS>(shared, source.weight + row * source.channels + at.channel,
                     filter < source.filters ? source.channels - at.channel : 0);
  }
};

}  // namespace accrete::kernels::cuda
