// SPDX-License-Identifier: Apache-2.0
// Asynchronous copies of packs into shared memory, and where packs lie there.
#pragma once

#include "accrete/kernels/tensor_view.h"
#include "cuda/ptx.cuh"

namespace accrete::kernels::cuda {

constexpr int kPackChannels = 8;
constexpr int kPackBytes = 16;

/// Channels of a part of an operand: one k-slice of the product. Rows of activations are stored
/// with a pad of one pack behind them, so that eight neighbouring rows lie in different banks
/// whichever the first is.
constexpr int kSlice = 32;
constexpr int kSliceBytes = 2 * kSlice;
constexpr int kSlicePacks = kSlice / kPackChannels;
constexpr int kPaddedSliceBytes = kSliceBytes + kPackBytes;

/// Of a slice, a thread copies and changes this pack of every (threads / kSlicePacks)-th row ...
__device__ __forceinline__ int own_slice_pack() {
  return static_cast<int>(threadIdx.x) % kSlicePacks;
}
/// ... from this one on.
__device__ __forceinline__ int own_slice_row() {
  return static_cast<int>(threadIdx.x) / kSlicePacks;
}

/// Rows of `row_bytes` (64 or 128) without a pad: packs are permuted by the row instead.
__device__ __forceinline__ int permuted(int row, int pack, int row_bytes) {
  return row * row_bytes + (pack ^ (row_bytes == 128 ? row & 7 : row >> 1 & 3)) * kPackBytes;
}

/// A tensor as kernels read it: rows that are `pitch` bytes apart.
struct PackSource {
  const unsigned char* data;
  std::uint32_t pitch;

  explicit PackSource(const ConstTensorView& view)
      : data(static_cast<const unsigned char*>(view.data)),
        pitch(static_cast<std::uint32_t>(view.pitch * 2)) {}
  __device__ __forceinline__ PackSource(const unsigned char* first, std::uint32_t row_pitch)
      : data(first), pitch(row_pitch) {}

  __device__ __forceinline__ PackSource from(std::int64_t row, int channel) const {
    return {data + row * pitch + channel * 2, pitch};
  }
  /// One multiplication: 32 bits times 32 bits plus 64 bits.
  __device__ __forceinline__ const unsigned char* at(int row) const {
    return data + static_cast<std::uint64_t>(static_cast<std::uint32_t>(row)) * pitch;
  }
};

/// Copies the first `channels` of a pack, the others become zero. `to`, `from` and whole rows are
/// aligned to ALIGN bytes, and `channels` is a multiple of what that holds. Where it is not above
/// zero, `from` may be any address: nothing is read.
template <int ALIGN>
__device__ __forceinline__ void copy_pack(unsigned char* to, const unsigned char* from,
                                          int channels) {
  if constexpr (ALIGN == kPackBytes) {
    ptx::cp_async_16(to, from, channels > 0);
  } else {
    static_assert(ALIGN == 8);
    ptx::cp_async_8(to, from, channels > 0);
    ptx::cp_async_8(to + 8, from + 8, channels > 4);
  }
}

}  // namespace accrete::kernels::cuda
