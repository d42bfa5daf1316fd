// SPDX-License-Identifier: Apache-2.0
// The kernel of forward and dgrad: rows are the pixels of the result, columns its channels.
#pragma once

#include <type_traits>

#include "conv/implicit_gemm/epilogue.cuh"
#include "conv/implicit_gemm/few_channels.cuh"
#include "conv/implicit_gemm/filter.cuh"
#include "conv/implicit_gemm/gather.cuh"
#include "conv/implicit_gemm/kernel_choice.cuh"

namespace accrete::kernels::cuda {

/// `Transform` changes the pixels on load, `Epilogue` takes the results.
template <class Arithmetic, class Tile_, Direction DIRECTION, Loads LOADS, class Transform,
          class Epilogue>
struct PixelGemm {
  using Tile = Tile_;
  using T = typename Arithmetic::Element;
  static constexpr bool kFewChannels = are_few_channels(LOADS);
  static constexpr bool kPacks = LOADS == Loads::packs;
  static constexpr int kChannels = channels_of(LOADS);  // where they are few
  static_assert(!kFewChannels || (DIRECTION == Direction::forward && !Transform::kActive));
  using Filter =
      std::conditional_t<kFewChannels, FewChannelsFilter<T, Tile::BN, Tile::BK, kChannels>,
                         std::conditional_t<DIRECTION == Direction::forward,
                                            FilterLoader<T, Tile::BN, Tile::BK, kPacks>,
                                            TransposedFilterLoader<T, Tile::BN, Tile::BK, kPacks>>>;
  using Pixels =
      std::conditional_t<kFewChannels, FewChannelsGather<T, Tile::BM, Tile::BK, kChannels>,
                         GatherLoader<T, Tile::BM, Tile::BK, kPacks, Transform>>;
  using Loop = MainLoop<Tile, Arithmetic, Pixels, Filter>;

  struct Arguments {
    ImageWalk walk;
    Divisor steps_per_tap;
    GatheredRows<T> source;
    const T* weight;
    std::int32_t filters, taps, channels;
    std::int64_t first_tile;  ///< number of the walk's first tile among those of all walks
    typename Transform::Arguments change;
    Epilogue epilogue;
  };

  static Arguments arguments(const ConvProblem& problem, const ImageWalk& walk,
                             const ConstTensorView& source, const ConstTensorView& weight,
                             const typename Transform::Arguments& change,
                             const Epilogue& epilogue) {
    const auto extent = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
    return {walk,
            Divisor((walk.channels() + Tile::BK - 1) / Tile::BK),
            GatheredRows<T>(source),
            static_cast<const T*>(weight.data),
            extent(problem.K),
            extent(problem.R * problem.S),
            extent(problem.C),
            0,
            change,
            epilogue};
  }
  __host__ __device__ static std::int64_t columns(const Arguments& a) {
    return DIRECTION == Direction::forward ? a.filters : a.channels;
  }
  /// Tiles along the pixels and along the channels.
  static dim3 grid(const Arguments& a) {
    return {blocks_for(a.walk.rows(), Tile::BM), blocks_for(columns(a), Tile::BN)};
  }
  static std::uint32_t shared_bytes(const Arguments& a) {
    const int bytes = kFewChannels ? table_taps(a) * static_cast<int>(sizeof(TapElement))
                                   : Transform::kTables * a.walk.channels() * 4;
    return Loop::kSharedBytes + static_cast<std::uint32_t>(bytes);
  }

  /// One tile, by a whole block.
  __device__ static __forceinline__ void run(const Arguments& a, std::int64_t row_tile,
                                             std::int64_t column_tile, unsigned char* stages) {
    ACCRETE_SHARED_ARRAY(PixelRow, rows, [Tile::BM]);
    ACCRETE_SHARED_ARRAY(std::int32_t, results, [Tile::BM]);
    for (int i = static_cast<int>(threadIdx.x); i < Tile::BM; i += Tile::kThreads) {
      const auto row = static_cast<std::uint32_t>(row_tile * Tile::BM + i);
      rows[i] = a.walk.row(row);
      results[i] = a.walk.result_pixel(row);
    }
    Accumulators<Tile> sums;
    sums.clear();
    const std::int64_t first_column = column_tile * Tile::BN;
    multiply(a, rows, static_cast<std::int32_t>(first_column), stages, sums);
    a.epilogue.template finish<Tile>(sums,
                                     {a.first_tile + row_tile, a.walk.rows() - row_tile * Tile::BM,
                                      results, first_column, columns(a)},
                                     reinterpret_cast<float*>(stages));
  }

 private:
  __host__ __device__ static int few_channel_steps(const Arguments& a) {
    constexpr int kTaps = kTapsOfStep<kChannels, Tile::BK>;
    return (a.taps + kTaps - 1) / kTaps;
  }
  /// Loads of few channels run up to kStages steps ahead of the last.
  __host__ __device__ static int table_taps(const Arguments& a) {
    return (few_channel_steps(a) + kStages) * kTapsOfStep<kChannels, Tile::BK>;
  }

  /// Fills the table that lies behind the stages, and adds the tile's product to `sums`.
  __device__ static __forceinline__ void multiply(const Arguments& a, const PixelRow* rows,
                                                  std::int32_t first_column, unsigned char* stages,
                                                  Accumulators<Tile>& sums) {
    auto* const shared = reinterpret_cast<T*>(stages);
    unsigned char* const table = stages + Loop::kSharedBytes;
    if constexpr (kFewChannels) {
      auto* const taps = reinterpret_cast<TapElement*>(table);
      for (int i = static_cast<int>(threadIdx.x); i < table_taps(a); i += Tile::kThreads) {
        taps[i] = a.walk.tap_element(i * kChannels, a.source.elements());
      }
      __syncthreads();
      Loop::run(Pixels(a.source, a.walk, rows, taps),
                Filter(a.weight, a.filters, a.taps, first_column), few_channel_steps(a), shared,
                sums);
    } else {
      const Transform transform(a.change, a.walk.channels(), reinterpret_cast<float*>(table));
      __syncthreads();
      const auto steps_per_tap = static_cast<int>(a.steps_per_tap.value());
      Loop::run(
          Pixels{a.source, a.walk, a.steps_per_tap, rows, transform},
          Filter{{a.weight, a.filters, a.taps, a.channels, a.steps_per_tap, first_column}, a.walk},
          a.walk.taps() * steps_per_tap, shared, sums);
    }
  }
};

template <class Gemm>
__global__ void __launch_bounds__(Gemm::Tile::kThreads, 1)
    pixel_gemm(const __grid_constant__ typename Gemm::Arguments arguments) {
  ACCRETE_DYNAMIC_SHARED(stages);
  Gemm::run(arguments, blockIdx.x, blockIdx.y, stages);
}

/// False, and nothing is launched, where a smaller tile has to be taken.
template <class Gemm>
bool launch_pixel_gemm(const Stream& stream, const char* op,
                       const typename Gemm::Arguments& arguments) {
  const std::uint32_t shared = Gemm::shared_bytes(arguments);
  if (needs_smaller<typename Gemm::Tile>(stream, shared)) {
    return false;
  }
  launch(stream, op, &pixel_gemm<Gemm>, {Gemm::grid(arguments), Gemm::Tile::kThreads, shared},
         arguments);
  return true;
}

}  // namespace accrete::kernels::cuda
