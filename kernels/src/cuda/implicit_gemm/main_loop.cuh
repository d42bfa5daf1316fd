// SPDX-License-Identifier: Apache-2.0
// The pipeline of all implicit-GEMM kernels: stages of operand tiles are on their way to shared
// memory while earlier ones are multiplied.
//
// A loader L provides
//   L::Operand                      the OperandTile it fills
//   load(step, line, pack, shared)  fills one 16-byte pack of a line, by cp.async or by stores
// and may provide
//   L::kTiles                       tiles per stage, one behind the other
//   L::kInPlace                     whether the following is called
//   transform(step, line, pack, shared)
//                                   changes a pack that this thread loaded, once it has arrived
#pragma once

#include "cuda/implicit_gemm/arithmetic.cuh"
#include "cuda/implicit_gemm/tuning.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

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

template <class Tile, class Arithmetic, class LoaderA, class LoaderB>
struct MainLoop {
  using Element = typename Arithmetic::Element;
  using A = typename LoaderA::Operand;
  using B = typename LoaderB::Operand;
  static constexpr int kOffsetB = A::kElements * LoaderTraits<LoaderA>::kTiles;
  static constexpr int kStageElements = kOffsetB + B::kElements * LoaderTraits<LoaderB>::kTiles;
  static constexpr std::uint32_t kSharedBytes =
      kStages * kStageElements * static_cast<std::uint32_t>(sizeof(Element));

  /// body(line, pack, address) for the packs of an operand's tile that are this thread's.
  template <class Operand, class Body>
  __device__ static __forceinline__ void for_own_packs(Element* shared, const Body& body) {
    // Asynchronous copies need no unrolling to overlap; unrolled address arithmetic spills.
#pragma unroll 1
    for (int i = static_cast<int>(threadIdx.x); i < Operand::kPacks; i += Tile::kThreads) {
      const int line = i / Operand::kPacksPerLine;
      const int pack = i % Operand::kPacksPerLine * Operand::kPackWidth;
      body(line, pack, shared + line * Operand::kPitch + pack);
    }
  }

  template <class Loader>
  __device__ static __forceinline__ void fill(const Loader& loader, int step, Element* shared) {
    for_own_packs<typename Loader::Operand>(shared, [&](int line, int pack, Element* address) {
      loader.load(step, line, pack, address);
    });
  }

  template <class Loader>
  __device__ static __forceinline__ void transform(const Loader& loader, int step,
                                                   Element* shared) {
    if constexpr (LoaderTraits<Loader>::kInPlace) {
      for_own_packs<typename Loader::Operand>(shared, [&](int line, int pack, Element* address) {
        loader.transform(step, line, pack, address);
      });
    }
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
#pragma unroll 1
    for (int step = 0; step < steps; ++step) {
      ptx::cp_async_wait<kStages - 2>();
      Element* arrived = shared + step % kStages * kStageElements;
      transform(a, step, arrived);
      transform(b, step, arrived + kOffsetB);
      __syncthreads();  // the stage is complete for all, and the one to be refilled is read out
      const int next = step + kStages - 1;
      if (next < steps) {
        Element* stage = shared + next % kStages * kStageElements;
        fill(a, next, stage);
        fill(b, next, stage + kOffsetB);
      }
      ptx::cp_async_commit();
      Arithmetic::template multiply<Tile, A, B>(arrived, arrived + kOffsetB, sums);
    }
  }
};

/// Copies a pack of `count` valid elements (the rest is zero) from `source`: by cp.async when
/// VECTOR, where count is 0 or a whole pack, else element by element.
template <bool VECTOR, class T>
__device__ __forceinline__ void copy_pack(T* shared, const T* source, const T* legal, int count) {
  constexpr int kWidth = 16 / static_cast<int>(sizeof(T));
  if constexpr (VECTOR) {
    ptx::cp_async_16(shared, count > 0 ? source : legal, count > 0);
  } else {
#pragma unroll
    for (int i = 0; i < kWidth; ++i) {
      shared[i] = i < count ? source[i] : from_float<T>(0.0F);
    }
  }
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
