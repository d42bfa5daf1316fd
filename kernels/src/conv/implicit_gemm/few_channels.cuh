// SPDX-License-Identifier: Apache-2.0
// Loads of images with few channels and of their filters, as the first layer of a net has them. The
// channels of a tap have one check and one address. They are loaded element by element, early, held
// in registers for a step, and stored to shared memory as whole packs.
//
// A tap takes kTapPlaces places of k; those behind the channels are zero in both operands.
#pragma once

#include "conv/implicit_gemm/image_walk.cuh"
#include "conv/implicit_gemm/load_transform.cuh"
#include "conv/implicit_gemm/operand.cuh"
#include "conv/implicit_gemm/tile.cuh"

namespace accrete::kernels::cuda {

template <int CHANNELS>
constexpr int kTapPlaces = CHANNELS == 3 ? 4 : CHANNELS;
template <int CHANNELS, int BK>
constexpr int kTapsOfStep = BK / kTapPlaces<CHANNELS>;

/// An element as a register holds it.
__device__ __forceinline__ float as_held(float value) {
  return value;
}
__device__ __forceinline__ std::uint32_t as_held(bf16 value) {
  return value.bits;
}

/// The lower halves of two registers.
__device__ __forceinline__ std::uint32_t lower_halves(std::uint32_t low, std::uint32_t high) {
#if defined(ACCRETE_SIMT)
  return (low & 0xFFFFU) | high << 16U;
#else
  return __byte_perm(low, high, 0x5410);
#endif
}

/// Elements of 16 bytes on their way.
template <class T>
struct HeldPack {
  decltype(as_held(T{})) v[kPackWidth<T>];

  __device__ __forceinline__ void store(T* shared) const {
    if constexpr (sizeof(T) == 4) {
      *reinterpret_cast<float4*>(shared) = make_float4(v[0], v[1], v[2], v[3]);
    } else {
      *reinterpret_cast<uint4*>(shared) =
          make_uint4(lower_halves(v[0], v[1]), lower_halves(v[2], v[3]), lower_halves(v[4], v[5]),
                     lower_halves(v[6], v[7]));
    }
  }
};

/// The channels of one tap to elements [first, first + PLACES) of packs.
template <int CHANNELS, int PLACES, class T>
__device__ __forceinline__ void load_tap(HeldPack<T>* packs, int first, const T* channels,
                                         bool exists) {
  const T* const source = ptx::global_in_register(channels);
#pragma unroll
  for (int c = 0; c < PLACES; ++c) {
    const int element = first + c;
    packs[element / kPackWidth<T>].v[element % kPackWidth<T>] =
        c < CHANNELS && exists ? as_held(source[c]) : 0;
  }
}

/// What a thread has of a tile whose lines are cut into packs along k: one pack of every
/// kLinesPerPass-th line.
template <class T, class Operand, int CHANNELS>
struct HeldTaps {
  static constexpr int kTaps = Operand::kPackWidth / kTapPlaces<CHANNELS>;  // of a pack
  static constexpr int kLinesPerPass = kTileThreads / Operand::kPacksPerLine;
  static constexpr int kPasses = (Operand::kLines + kLinesPerPass - 1) / kLinesPerPass;
  HeldPack<T> pack[kPasses];

  __device__ static __forceinline__ int own_pack() {
    return static_cast<int>(threadIdx.x) % Operand::kPacksPerLine;
  }
  __device__ static __forceinline__ int line(int pass) {
    return static_cast<int>(threadIdx.x) / Operand::kPacksPerLine + pass * kLinesPerPass;
  }
  __device__ static __forceinline__ bool has_line(int pass) {
    return Operand::kLines % kLinesPerPass == 0 || line(pass) < Operand::kLines;
  }
  __device__ __forceinline__ void load(int pass, int tap, const T* channels, bool exists) {
    load_tap<CHANNELS, kTapPlaces<CHANNELS>>(&pack[pass], tap * kTapPlaces<CHANNELS>, channels,
                                             exists);
  }
  __device__ __forceinline__ void store(T* tile) const {
#pragma unroll
    for (int pass = 0; pass < kPasses; ++pass) {
      if (has_line(pass)) {
        pack[pass].store(tile + Operand::offset(line(pass), own_pack() * Operand::kPackWidth));
      }
    }
  }
};

/// Forward's image. A thread keeps the rows of its lines.
template <class T, int EXTENT, int BK, int CHANNELS>
struct FewChannelsGather {
  using Operand = OperandTile<T, EXTENT, BK, Order::k_contiguous>;
  using Held = HeldTaps<T, Operand, CHANNELS>;

  /// `rows` and `taps` are in shared memory; taps of kStages steps behind the last are loaded, too.
  __device__ __forceinline__ FewChannelsGather(const GatheredRows<T>& source,
                                               const ImageWalk& image_walk, const PixelRow* rows,
                                               const TapElement* taps)
      : walk_(image_walk), taps_(taps + Held::own_pack() * Held::kTaps) {
#pragma unroll
    for (int pass = 0; pass < Held::kPasses; ++pass) {
      row_[pass] = rows[Held::line(pass)];
      pixel_[pass] = ptx::global_in_register(source.at(row_[pass].pixel, 0));
    }
  }
  __device__ __forceinline__ Held fetch(int step) const {
    Held held;
#pragma unroll
    for (int t = 0; t < Held::kTaps; ++t) {
      const TapElement tap = taps_[step * kTapsOfStep<CHANNELS, BK> + t];
#pragma unroll
      for (int pass = 0; pass < Held::kPasses; ++pass) {
        held.load(pass, t, pixel_[pass] + tap.offset, walk_.inside(row_[pass], tap));
      }
    }
    return held;
  }

 private:
  const ImageWalk& walk_;
  const TapElement* taps_;
  PixelRow row_[Held::kPasses];
  const T* pixel_[Held::kPasses];
};

/// Forward's filters [filters, taps, CHANNELS], which are the lines.
template <class T, int EXTENT, int BK, int CHANNELS>
struct FewChannelsFilter {
  using Operand = OperandTile<T, EXTENT, BK, Order::k_contiguous>;
  using Held = HeldTaps<T, Operand, CHANNELS>;

  __device__ __forceinline__ FewChannelsFilter(const T* weight, std::int32_t filters,
                                               std::int32_t taps, std::int32_t first_filter) {
    const int tap = Held::own_pack() * Held::kTaps;
#pragma unroll
    for (int pass = 0; pass < Held::kPasses; ++pass) {
      const std::int32_t filter = first_filter + Held::line(pass);
      taps_left_[pass] = filter < filters ? taps - tap : 0;
      first_[pass] = ptx::global_in_register(
          weight + (static_cast<std::int64_t>(filter) * taps + tap) * CHANNELS);
    }
  }
  __device__ __forceinline__ Held fetch(int step) const {
    Held held;
    const int skipped = step * kTapsOfStep<CHANNELS, BK>;
#pragma unroll
    for (int pass = 0; pass < Held::kPasses; ++pass) {
#pragma unroll
      for (int t = 0; t < Held::kTaps; ++t) {
        held.load(pass, t, first_[pass] + (skipped + t) * CHANNELS, skipped + t < taps_left_[pass]);
      }
    }
    return held;
  }

 private:
  const T* first_[Held::kPasses];
  std::int32_t taps_left_[Held::kPasses];
};

/// The image for the weight gradient: a line is a pixel of grad_y, columns are (tap, channel)
/// without gaps. A thread has a pack's width of taps, which are CHANNELS packs, of one line; `taps`
/// are those of all columns, in shared memory. `range` and `walk` as for PatchLoader.
template <class T, int EXTENT, int BK, int CHANNELS>
struct FewChannelsPatches {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  static constexpr int kTaps = Operand::kPackWidth;
  static constexpr int kGroups = (EXTENT + kTaps * CHANNELS - 1) / (kTaps * CHANNELS);
  static constexpr int kTableEntries = kGroups * kTaps, kTableStep = CHANNELS;
  static_assert(kGroups * BK <= kTileThreads);
  /// What the last group has too much lies in the pad of a line, which nobody reads.
  static constexpr bool kGroupsFit = kGroups * kTaps * CHANNELS <= Operand::kPitch;
  GatheredRows<T> x;
  const ImageWalk& walk;
  PixelRange range;
  const TapElement* taps;

  struct Held {
    HeldPack<T> pack[CHANNELS];

    __device__ __forceinline__ void store(T* tile) const {
      if (group() < kGroups) {
#pragma unroll
        for (int i = 0; i < CHANNELS; ++i) {
          const int column = (group() * CHANNELS + i) * Operand::kPackWidth;
          if (kGroupsFit || column < EXTENT) {
            pack[i].store(tile + Operand::offset(column, line()));
          }
        }
      }
    }
  };
  __device__ __forceinline__ Held fetch(int step) const {
    Held held;
    if (group() < kGroups) {
      const PixelRow row = range.row(walk, step * BK + line());
      const T* const pixel = ptx::global_in_register(x.at(row.pixel, 0));
#pragma unroll
      for (int t = 0; t < kTaps; ++t) {
        const TapElement tap = taps[group() * kTaps + t];
        load_tap<CHANNELS, CHANNELS>(held.pack, t * CHANNELS, pixel + tap.offset,
                                     walk.inside(row, tap));
      }
    }
    return held;
  }

 private:
  __device__ static __forceinline__ int line() {
    return static_cast<int>(threadIdx.x) % BK;
  }
  __device__ static __forceinline__ int group() {
    return static_cast<int>(threadIdx.x) / BK;
  }
};

}  // namespace accrete::kernels::cuda
