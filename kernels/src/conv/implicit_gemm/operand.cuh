// SPDX-License-Identifier: Apache-2.0
// An operand's tile in shared memory, in one of two orders. Rows are padded by 16 bytes, so that
// the eight rows of an ldmatrix phase fall into different banks.
#pragma once

#include "cuda/bf16.cuh"

namespace accrete::kernels::cuda {

/// Which index of the [extent, K] operand is contiguous, in memory and in shared memory.
enum class Order : std::uint8_t {
  k_contiguous,       ///< stored [extent][BK]
  extent_contiguous,  ///< stored [BK][extent]
};

template <class T, int EXTENT, int BK, Order ORDER>
struct OperandTile {
  static constexpr Order kOrder = ORDER;
  static constexpr int kLines = ORDER == Order::k_contiguous ? EXTENT : BK;
  static constexpr int kLineElements = ORDER == Order::k_contiguous ? BK : EXTENT;
  static constexpr int kPitch = kLineElements + 16 / static_cast<int>(sizeof(T));
  static constexpr int kElements = kLines * kPitch;
  static constexpr int kPackWidth = 16 / static_cast<int>(sizeof(T));
  static constexpr int kPacksPerLine = kLineElements / kPackWidth;
  static constexpr int kPacks = kLines * kPacksPerLine;

  /// Offset of element (extent index, k).
  __device__ static __forceinline__ int offset(int extent, int k) {
    return ORDER == Order::k_contiguous ? extent * kPitch + k : k * kPitch + extent;
  }
};

}  // namespace accrete::kernels::cuda
