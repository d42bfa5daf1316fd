// SPDX-License-Identifier: Apache-2.0
// The weights [K, taps, C] as operand: as they are for forward, transposed for dgrad.
#pragma once

#include "cuda/implicit_gemm/image_walk.cuh"
#include "cuda/implicit_gemm/main_loop.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// What both loaders get.
template <class T>
struct FilterSource {
  const T* weight;
  std::int32_t filters, taps, channels;
  const Divisor& steps_per_tap;
  std::int32_t first_column;

  /// Of a step that lies within one tap: the tap and the k of its first element within that.
  struct Step {
    std::int32_t tap, k;
  };
  template <int BK>
  __device__ __forceinline__ Step within_tap(int step) const {
    const auto tap = static_cast<int>(steps_per_tap.divide(static_cast<std::uint32_t>(step)));
    return {tap, (step - tap * static_cast<int>(steps_per_tap.value())) * BK};
  }
};

/// Forward: lines are filters, k = (tap, channel) is contiguous.
template <class T, int EXTENT, int BK, bool VECTOR>
struct FilterLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::k_contiguous>;
  FilterSource<T> source;
  const ImageWalk& walk;

  struct Step {
    std::int32_t k, count;  ///< of the pack, in a filter's row
  };
  __device__ __forceinline__ Step at(int step, int pack) const {
    if constexpr (VECTOR) {
      const auto first = source.template within_tap<BK>(step);
      const int channel = first.k + pack;
      return {first.tap * source.channels + channel, source.channels - channel};
    } else {
      const int k = step * BK + pack;
      return {k, source.taps * source.channels - k};
    }
  }
  __device__ __forceinline__ void load(const Step& at, int line, T* shared) const {
    const int filter = source.first_column + line;
    const T* row =
        source.weight + static_cast<std::int64_t>(filter) * (source.taps * source.channels);
    copy_pack<VECTOR>(shared, row + at.k, filter < source.filters ? at.count : 0);
  }
};

/// dgrad: element (channel c, k = (tap of the walk, filter)) is weight[filter][tap][c], channels
/// are contiguous.
template <class T, int EXTENT, int BK, bool VECTOR>
struct TransposedFilterLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  FilterSource<T> source;
  const ImageWalk& walk;

  struct Step {
    std::int32_t tap, filter;  ///< of line 0, where a step lies within one tap
    std::int32_t k;            ///< of line 0
    std::int32_t channel, count;
  };
  __device__ __forceinline__ Step at(int step, int pack) const {
    const int channel = source.first_column + pack;
    const int rest = source.channels - channel;
    Step at{0, 0, step * BK, channel, rest < Operand::kPackWidth ? rest : Operand::kPackWidth};
    if constexpr (VECTOR) {
      const auto first = source.template within_tap<BK>(step);
      at.tap = walk.filter_tap(first.tap);
      at.filter = first.k;
    }
    return at;
  }
  __device__ __forceinline__ void load(const Step& at, int line, T* shared) const {
    int tap = at.tap;
    int filter = at.filter + line;
    bool exists = filter < source.filters;
    if constexpr (!VECTOR) {
      const int of_walk = walk.tap_of(at.k + line);
      filter = at.k + line - of_walk * source.filters;
      tap = walk.filter_tap(of_walk);
      exists = of_walk < walk.taps();
    }
    const std::int64_t row = static_cast<std::int64_t>(filter) * source.taps + tap;
    copy_pack<VECTOR>(shared, source.weight + row * source.channels + at.channel,
                      exists ? at.count : 0);
  }
};

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
