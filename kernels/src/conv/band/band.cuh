// SPDX-License-Identifier: Apache-2.0
// A band: the pixels that the taps of a block's tile reach, in shared memory, where they are loaded
// and changed once and read by all taps. A thread changes the packs that it copied
// (own_slice_pack), which it sees without a barrier.
#pragma once

#include "conv/band/copies.cuh"
#include "conv/band/pack_change.cuh"
#include "conv/band/slots.cuh"

namespace accrete::kernels::cuda {

/// The band of the tile of pixels [first, first + pixels).
template <int SIDE, int BM, int THREADS>
struct Band {
  static constexpr int kSlotsPerPass = THREADS / kSlicePacks;
  /// Passes go by twos, so that the offsets of two slots are one read.
  static constexpr int kSlotsPerStep = 2 * kSlotsPerPass;

  int first, pixels;
  int first_slot;  ///< of `first`
  int slots;       ///< whole steps: those behind the last tap are no pixels
  int base;        ///< offsets count from this pixel
  int* table;      ///< in shared memory: offset of every slot's pixel, -1 where there is none

  static std::int64_t most_slots(const Slots<SIDE>& numbering) {
    return (numbering.most_in_band(BM) + kSlotsPerStep - 1) / kSlotsPerStep * kSlotsPerStep;
  }

  /// Of the table.
  static int table_bytes(const Slots<SIDE>& numbering) {
    return SIDE == 1 ? 0 : static_cast<int>(most_slots(numbering)) * 4;
  }

  /// Fills the table, which a 1x1 convolution does not need; a barrier follows.
  __device__ __forceinline__ Band(const Slots<SIDE>& numbering, int first_pixel, int* shared)
      : first(first_pixel), table(shared) {
    const auto rest = static_cast<int>(numbering.pixels()) - first;
    pixels = rest < BM ? rest : BM;
    first_slot = numbering.of_pixel(first);
    base = first > numbering.row_distance() ? first - numbering.row_distance() : 0;
    if constexpr (SIDE == 1) {
      slots = BM;
    } else {
      const int used =
          numbering.of_pixel(first + pixels - 1) - first_slot + 1 + 2 * numbering.reach();
      slots = (used + kSlotsPerStep - 1) / kSlotsPerStep * kSlotsPerStep;
      const int from = first_slot - numbering.reach();
#pragma unroll 1
      for (int i = static_cast<int>(threadIdx.x); i < slots; i += THREADS) {
        const int pixel = i < used ? numbering.pixel_of(from + i) : -1;
        table[place_in_table(i)] = pixel < 0 ? -1 : pixel - base;
      }
    }
  }

  /// Slots from the first of the band to the first tap of pixel number m of the tile. Where there
  /// is no such pixel: some slot, and neighbouring ones for neighbours, which are in different
  /// banks.
  __device__ __forceinline__ int first_tap(const Slots<SIDE>& numbering, int m) const {
    if constexpr (SIDE == 1) {
      return m;
    }
    return m < pixels ? numbering.of_pixel(first + m) - first_slot : m % 16;
  }

  /// Sends for kSlice channels, of which `channels` exist, of rows `row_bytes` apart. `from` is at
  /// the first of those channels of the pixel `base`.
  template <int ALIGN>
  __device__ __forceinline__ void fill(const PackSource& from, int channels, unsigned char* to,
                                       int row_bytes) const {
    const int pack = own_slice_pack();
    const int inside = channels - pack * kPackChannels;
    const PackSource source{from.data + pack * kPackBytes, from.pitch};
    for_own_slots([&](int slot, int offset) {
      copy_pack<ALIGN>(to + slot * row_bytes + pack * kPackBytes, source.at(offset),
                       offset >= 0 ? inside : 0);
    });
  }

  /// Changes those packs in place; slots outside the images stay zero. `companion` is where the
  /// second tensor's rows begin.
  template <class Change>
  __device__ __forceinline__ void change(const typename Change::Coefficients& k, unsigned char* to,
                                         int row_bytes, const unsigned char* companion,
                                         int companion_bytes) const {
    const int pack = own_slice_pack();
    for_own_slots([&](int slot, int offset) {
      auto* at = reinterpret_cast<uint4*>(to + slot * row_bytes + pack * kPackBytes);
      // Whole packs are read before their parts are used: one access instead of four.
      const uint4 value = *at;
      const uint4 other =
          *reinterpret_cast<const uint4*>(companion + slot * companion_bytes + pack * kPackBytes);
      const uint4 result = Change::changed(value, other, k);
      if (SIDE == 1 || offset >= 0) {
        *at = result;
      }
    });
  }

 private:
  // Slots s and s + kSlotsPerPass of a step stand side by side.
  __device__ static __forceinline__ int place_in_table(int slot) {
    const int in_step = slot % kSlotsPerStep;
    return slot - in_step + in_step % kSlotsPerPass * 2 + in_step / kSlotsPerPass;
  }

  // body(slot, offset of its pixel or -1) for the slots of this thread.
  template <class Body>
  __device__ __forceinline__ void for_own_slots(const Body& body) const {
    const int own = own_slice_row();
    if constexpr (SIDE == 1) {
#pragma unroll
      for (int slot = 0; slot < BM; slot += kSlotsPerPass) {
        body(own + slot, own + slot < pixels ? own + slot : -1);
      }
    } else {
#pragma unroll 1
      for (int step = 0; step < slots; step += kSlotsPerStep) {
        const uint2 offsets = *reinterpret_cast<const uint2*>(table + step + own * 2);
        body(step + own, static_cast<int>(offsets.x));
        body(step + own + kSlotsPerPass, static_cast<int>(offsets.y));
      }
    }
  }
};

}  // namespace accrete::kernels::cuda
