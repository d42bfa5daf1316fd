// SPDX-License-Identifier: Apache-2.0
// Which tap of its window every maximum comes from: a byte per element of the pooled tensor.
#pragma once

#include "cuda/column_walk.cuh"

namespace accrete::kernels::cuda {

/// One byte per channel of a pack.
template <int V>
struct TapBytes {
  std::uint32_t word[V / 4]{};

  __device__ __forceinline__ void put(int i, std::uint32_t tap) {
    word[i / 4] |= tap << (i % 4 * 8);
  }
  __device__ __forceinline__ std::uint8_t at(int i) const {
    return static_cast<std::uint8_t>(word[i / 4] >> (i % 4 * 8));
  }
  /// The same if `there`, else no tap at all: there are at most 255.
  __device__ __forceinline__ TapBytes or_none(bool there) const {
    TapBytes bytes = *this;
    for (std::uint32_t& four : bytes.word) {
      four = there ? four : 0xFFFFFFFFU;
    }
    return bytes;
  }
  /// Bytes are zero where `tap` was.
  __device__ __forceinline__ TapBytes differences(std::int32_t tap) const {
    TapBytes bytes = *this;
    for (std::uint32_t& four : bytes.word) {
      four ^= static_cast<std::uint32_t>(tap) * 0x01010101U;
    }
    return bytes;
  }
  __device__ __forceinline__ bool is_zero(int i) const {
    return (word[i / 4] & (0xFFU << (i % 4 * 8))) == 0;
  }
};

/// The winners of a pooled tensor [pixels, channels], packed. Byte may be const.
template <class T, bool ALIGNED, class Byte>
struct Winners {
  static constexpr int kWidth = kPackWidth<T>;
  Byte* data;  ///< may be null: nobody wants them
  std::uint32_t pitch;
  int count = 0;

  Winners(Byte* bytes, std::int64_t channels)
      : data(bytes), pitch(static_cast<std::uint32_t>(channels)) {}
  __device__ __forceinline__ Winners at(const ChannelPack<T, ALIGNED>& channels) const {
    Winners pack = *this;
    pack.data = data == nullptr ? nullptr : data + channels.first;
    pack.count = channels.count;
    return pack;
  }
  __device__ __forceinline__ TapBytes<kWidth> load(std::uint32_t pixel) const {
    const Byte* at = data + static_cast<std::uint64_t>(pixel) * pitch;
    if constexpr (!ALIGNED) {
      TapBytes<kWidth> taps;
#pragma unroll
      for (int i = 0; i < kWidth; ++i) {
        taps.put(i, i < count ? at[i] : 0U);
      }
      return taps;
    } else if constexpr (kWidth == 8) {
      const uint2 words = *reinterpret_cast<const uint2*>(at);
      return {{words.x, words.y}};
    } else {
      return {{*reinterpret_cast<const std::uint32_t*>(at)}};
    }
  }
  __device__ __forceinline__ void store(std::uint32_t pixel, const TapBytes<kWidth>& taps) const {
    if (data == nullptr) {
      return;
    }
    Byte* at = data + static_cast<std::uint64_t>(pixel) * pitch;
    if constexpr (!ALIGNED) {
#pragma unroll
      for (int i = 0; i < kWidth; ++i) {
        if (i < count) {
          at[i] = taps.at(i);
        }
      }
    } else if constexpr (kWidth == 8) {
      *reinterpret_cast<uint2*>(at) = make_uint2(taps.word[0], taps.word[1]);
    } else {
      *reinterpret_cast<std::uint32_t*>(at) = taps.word[0];
    }
  }
};

/// Whether the winners of a pack of channels are aligned, given that the pooled tensor is.
inline bool winners_fit(const ConstTensorView& winner) {
  return reinterpret_cast<std::uintptr_t>(winner.data) % 8 == 0;
}

}  // namespace accrete::kernels::cuda
