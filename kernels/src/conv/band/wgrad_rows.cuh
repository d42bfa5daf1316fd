// SPDX-License-Identifier: Apache-2.0
// An operand of the weight gradient in shared memory: ROWS rows of PACKS packs, one row per pixel.
// Behind each row is a pack that is not used, so that eight neighbouring rows lie in different
// banks whichever the first is. A thread copies one pack of every (threads / PACKS)-th row and
// changes those that it copied, which it sees without a barrier.
#pragma once

#include "conv/band/copies.cuh"
#include "conv/plan/band_wgrad_plan.h"

namespace accrete::kernels::cuda {

/// The same, with an address of which the compiler does not know that it is the sum of one of the
/// kernel's arguments and a distance: it would add them anew for every copy.
__device__ __forceinline__ PackSource in_registers(PackSource source) {
  source.data = ptx::opaque(source.data);
  return source;
}

template <int ROWS, int PACKS>
struct WgradRows {
  static constexpr int kRowBytes = (PACKS + 1) * kPackBytes;
  static constexpr int kBytes = ROWS * kRowBytes;
  static constexpr int kRowsPerPass = kWgradThreads / PACKS;
  static constexpr int kPasses = ROWS / kRowsPerPass;  // rows of a thread
  static_assert(kWgradThreads % PACKS == 0 && ROWS % kRowsPerPass == 0);

  __device__ static __forceinline__ int own_pack() { return static_cast<int>(threadIdx.x) % PACKS; }
  __device__ static __forceinline__ int own_row() { return static_cast<int>(threadIdx.x) / PACKS; }
  __device__ static __forceinline__ int own_offset() {
    return own_row() * kRowBytes + own_pack() * kPackBytes;
  }

  /// Sends for the thread's packs: number i comes from address(i), its first channels(i) channels.
  /// `own` is at the first of them.
  template <int ALIGN, class Address, class Channels>
  __device__ static __forceinline__ void fill(unsigned char* own, const Address& address,
                                              const Channels& channels) {
#pragma unroll
    for (int i = 0; i < kPasses; ++i) {
      copy_pack<ALIGN>(own + i * kRowsPerPass * kRowBytes, address(i), channels(i));
    }
  }
  /// Changes those packs where exists(i); the second tensor is `companion` bytes behind.
  template <class Change, class Exists>
  __device__ static __forceinline__ void change(unsigned char* own, int companion,
                                                const typename Change::Coefficients& k,
                                                const Exists& exists) {
#pragma unroll
    for (int i = 0; i < kPasses; ++i) {
      auto* at = reinterpret_cast<uint4*>(own + i * kRowsPerPass * kRowBytes);
      // Whole packs are read before their parts are used: one access instead of four.
      const uint4 value = *at;
      const uint4 other =
          *reinterpret_cast<const uint4*>(own + companion + i * kRowsPerPass * kRowBytes);
      const uint4 result = Change::changed(value, other, k);
      if (exists(i)) {
        *at = result;
      }
    }
  }

  /// Where a lane points to in 16 rows of k by 16 columns, read transposed (ThreadPlace). Of the
  /// left operand of a product, the second matrix is 8 columns and the third one 8 rows further; of
  /// the right one, the other way round.
  __device__ static __forceinline__ int left_offset(int first_column) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    return (lane % 8 + lane / 16 * 8) * kRowBytes + lane / 8 % 2 * kPackBytes + first_column * 2;
  }
  __device__ static __forceinline__ int right_offset(int first_column) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    return lane % 16 * kRowBytes + lane / 16 * kPackBytes + first_column * 2;
  }
};

}  // namespace accrete::kernels::cuda
