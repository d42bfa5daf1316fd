// SPDX-License-Identifier: Apache-2.0
// The weights [K, taps, C] as operand: as they are for forward, transposed for dgrad.
#pragma once

#include "accrete/kernels/problem.h"
#include "accrete/kernels/tensor_view.h"
#include "cuda/implicit_gemm/main_loop.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Forward: lines are filters, k = (tap, channel) is contiguous.
template <class T, int EXTENT, int BK, bool VECTOR>
struct FilterLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::k_contiguous>;
  const T* weight;
  std::int64_t filters;
  std::int32_t taps, channels;
  std::int64_t first_column = 0;

  __device__ __forceinline__ void load(int step, int line, int pack, T* shared) const {
    const std::int64_t filter = first_column + line;
    const T* row = weight + filter * taps * channels;
    if constexpr (VECTOR) {
      const int steps_per_tap = (channels + BK - 1) / BK;
      const int channel = step % steps_per_tap * BK + pack;
      const bool valid = filter < filters && channel < channels;
      copy_pack<true>(shared, row + step / steps_per_tap * channels + channel, weight,
                      valid ? Operand::kPackWidth : 0);
    } else {
      const int k = step * BK + pack;
      copy_pack<false>(shared, row + k, weight, filter < filters ? taps * channels - k : 0);
    }
  }
};

/// dgrad: element (channel c, k = (tap, filter)) is weight[filter][tap][c], channels are
/// contiguous.
template <class T, int EXTENT, int BK, bool VECTOR>
struct TransposedFilterLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  const T* weight;
  std::int32_t filters, taps, channels;
  std::int64_t first_column = 0;

  __device__ __forceinline__ void load(int step, int line, int pack, T* shared) const {
    int filter;
    int tap;
    if constexpr (VECTOR) {
      const int steps_per_tap = (filters + BK - 1) / BK;
      tap = step / steps_per_tap;
      filter = step % steps_per_tap * BK + line;
    } else {
      const int k = step * BK + line;
      tap = k / filters;
      filter = k - tap * filters;
    }
    const bool valid = tap < taps && filter < filters;
    const std::int64_t channel = first_column + pack;
    const std::int64_t rest = valid ? channels - channel : 0;
    const std::int64_t row = static_cast<std::int64_t>(filter) * taps + tap;
    copy_pack<VECTOR>(shared, weight + row * channels + channel, weight,
                      static_cast<int>(rest < Operand::kPackWidth ? rest : Operand::kPackWidth));
  }
};

template <class Loader, class T>
Loader filter_loader(const ConvProblem& problem, const ConstTensorView& weight) {
  const auto extent = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  return {static_cast<const T*>(weight.data), extent(problem.K), extent(problem.R * problem.S),
          extent(problem.C)};
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
