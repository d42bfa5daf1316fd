// SPDX-License-Identifier: Apache-2.0
// The pipeline of all implicit-GEMM kernels: stages of operand tiles are on their way to shared
// memory while earlier ones are multiplied.
//
// A thread loads one pack of 16 bytes of every (kThreads / packs of a line)-th line. A loader L
// provides
//   L::Operand                   the OperandTile it fills
//   at(step, pack)               what all lines of a step have in common, for this thread's pack
//   load(at, line, shared)       fills the pack of a line, by cp.async or by stores
// or, where loads go through registers,
//   Held fetch(step)             loads what this thread stores of a step, which may be one of the
//                                kStages steps behind the last: that is thrown away
//   Held::store(tile)            stores it
// and may provide
//   L::kTiles                    tiles per stage, one behind the other
//   L::kInPlace                  whether the following is called
//   transform(at, line, shared)  changes a pack that this thread loaded, once it has arrived
#pragma once

#include "conv/implicit_gemm/arithmetic.cuh"
#include "conv/implicit_gemm/tile.cuh"

namespace accrete::kernels::cuda {

template <class Loader>
struct LoaderTraits {
  static constexpr int kTiles = 1;
  static constexpr bool kInPlace = false;
};
template <class Loader>
requires requires {
  Loader::kInPlace;
}
struct LoaderTraits<Loader> {
  static constexpr int kTiles = Loader::kTiles;
  static constexpr bool kInPlace = Loader::kInPlace;
};

/// Whether loads go through registers.
template <class Loader>
concept Holds = requires {
  typename Loader::Held;
};

struct NothingHeld {};

template <class Tile, class Arithmetic, class LoaderA, class LoaderB>
struct MainLoop {
  using Element = typename Arithmetic::Element;
  using A = typename LoaderA::Operand;
  using B = typename LoaderB::Operand;
  static constexpr int kOffsetB = A::kElements * LoaderTraits<LoaderA>::kTiles;
  static constexpr int kStageElements = kOffsetB + B::kElements * LoaderTraits<LoaderB>::kTiles;
  static constexpr std::uint32_t kSharedBytes =
      kStages * kStageElements * static_cast<std::uint32_t>(sizeof(Element));

  /// body(line, address) for the lines of an operand's tile whose pack `own_pack` is this thread's.
  template <class Operand, class Body>
  __device__ static __forceinline__ void for_own_lines(Element* shared, const Body& body) {
    constexpr int kLinesPerPass = Tile::kThreads / Operand::kPacksPerLine;
    static_assert(Tile::kThreads % Operand::kPacksPerLine == 0);
    const int pack = own_pack<Operand>();
#pragma unroll
    for (int pass = 0; pass < Operand::kLines; pass += kLinesPerPass) {
      const int line = pass + static_cast<int>(threadIdx.x) / Operand::kPacksPerLine;
      if (Operand::kLines % kLinesPerPass == 0 || line < Operand::kLines) {
        body(line, shared + line * Operand::kPitch + pack);
      }
    }
  }
  template <class Operand>
  __device__ static __forceinline__ int own_pack() {
    return static_cast<int>(threadIdx.x) % Operand::kPacksPerLine * Operand::kPackWidth;
  }

  template <class Loader>
  __device__ static __forceinline__ void fill(const Loader& loader, int step, Element* shared) {
    if constexpr (Holds<Loader>) {
      loader.fetch(step).store(shared);
    } else {
      using Operand = typename Loader::Operand;
      const auto at = loader.at(step, own_pack<Operand>());
      for_own_lines<Operand>(shared,
                             [&](int line, Element* address) { loader.load(at, line, address); });
    }
  }

  /// What has to be on its way a step before it is stored.
  template <class Loader>
  __device__ static __forceinline__ auto fetch(const Loader& loader, int step) {
    if constexpr (Holds<Loader>) {
      return loader.fetch(step);
    } else {
      return NothingHeld{};
    }
  }
  /// As `fill`, with what was fetched a step ago.
  template <class Loader, class Held>
  __device__ static __forceinline__ void refill(const Loader& loader, Held& held, int step,
                                                Element* shared) {
    if constexpr (Holds<Loader>) {
      held.store(shared);
      held = loader.fetch(step + 1);
    } else {
      fill(loader, step, shared);
    }
  }

  template <class Loader>
  __device__ static __forceinline__ void transform(const Loader& loader, int step,
                                                   Element* shared) {
    if constexpr (LoaderTraits<Loader>::kInPlace) {
      using Operand = typename Loader::Operand;
      const auto at = loader.at(step, own_pack<Operand>());
      for_own_lines<Operand>(
          shared, [&](int line, Element* address) { loader.transform(at, line, address); });
    }
  }

  /// From one stage's offset to the next one's, in the ring.
  __device__ static __forceinline__ int next_stage(int offset) {
    return offset == (kStages - 1) * kStageElements ? 0 : offset + kStageElements;
  }

  /// sums += A * B over `steps` steps of BK. `shared` has kSharedBytes.
  __device__ static void run(const LoaderA& a, const LoaderB& b, int steps, Element* shared,
                             Accumulators<Tile>& sums) {
#pragma unroll 1
    for (int stage = 0; stage < kStages - 1; ++stage) {
      if (stage < steps) {
        fill(a, stage, shared + stage * kStageElements);
        fill(b, stage, shared + stage * kStageElements + kOffsetB);
      }
      ptx::cp_async_commit();
    }
    auto held_a = fetch(a, kStages - 1);
    auto held_b = fetch(b, kStages - 1);
    int arrived = 0;
    int next = (kStages - 1) * kStageElements;
#pragma unroll 1
    for (int step = 0; step < steps; ++step) {
      ptx::cp_async_wait<kStages - 2>();
      Element* const stage = ptx::shared_in_register(shared + arrived);
      transform(a, step, stage);
      transform(b, step, stage + kOffsetB);
      __syncthreads();  // the stage is complete for all, and the one to be refilled is read out
      if (step + kStages - 1 < steps) {
        Element* const refilled = ptx::shared_in_register(shared + next);
        refill(a, held_a, step + kStages - 1, refilled);
        refill(b, held_b, step + kStages - 1, refilled + kOffsetB);
      }
      ptx::cp_async_commit();
      Arithmetic::template multiply<Tile, A, B>(stage, stage + kOffsetB, sums);
      arrived = next_stage(arrived);
      next = next_stage(next);
    }
  }
};

/// Copies a pack of `count` valid elements (the rest is zero) from `source`: by cp.async when
/// PACKS, where count is 0 or a whole pack and any address will do if it is 0, else element by
/// element.
template <bool PACKS, class T>
__device__ __forceinline__ void copy_pack(T* shared, const T* source, int count) {
  constexpr int kWidth = 16 / static_cast<int>(sizeof(T));
  if constexpr (PACKS) {
    ptx::cp_async_16(shared, source, count > 0);
  } else {
#pragma unroll
    for (int i = 0; i < kWidth; ++i) {
      shared[i] = i < count ? source[i] : T{};
    }
  }
}

}  // namespace accrete::kernels::cuda
