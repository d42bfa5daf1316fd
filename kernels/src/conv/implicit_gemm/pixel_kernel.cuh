// SPDX-License-Identifier: Apache-2.0
// The kernel of forward and dgrad, pixel_gemm, and its arguments.
#pragma once

#include <type_traits>

#include "conv/implicit_gemm/epilogue.cuh"
#include "conv/implicit_gemm/few_channels.cuh"
#include "conv/implicit_gemm/filter.cuh"
#include "conv/implicit_gemm/gather.cuh"
#include "conv/implicit_gemm/kernel_choice.cuh"

namespace accrete::kernels::cuda {

/// `Transform` (load_transform.cuh) changes the pixels on load, `Epilogue` (epilogue.cuh) takes the
/// results.
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

/// Computes  a matrix product, whose sums [m][n] go to the epilogue of the PixelGemm:
///             forward  m: pixel (n,p,q) of y, n: filter k; sum over taps (r,s) and channels c of
///                      change(x)[pixel (n, p stride_h - pad_h + r, q stride_w - pad_w + s), c] *
///                      weight[k,r,s,c], with 0 outside the image
///             dgrad    m: pixel (n,h,w) of x in one phase of the stride (image_walk.cuh), n:
///                      channel c; sum over the phase's taps and filters k of change(grad_y)[tap's
///                      pixel, k] * weight[k,r,s,c]. There is a launch for each phase.
/// Operands  source x [N,H,W,C] or grad_y [N,P,Q,K], any pitch; weight [K,R,S,C] packed; both of T.
/// Grid      x: tiles of BM = 128 pixels, y: tiles of BN = 32, 64 or 128 columns.
/// Threads   256. Of the product a warp has WM x WN results (ThreadPlace); of the loads a thread
///           has one pack of every so-many-th line (main_loop.cuh).
/// Shared    static 2.5 KiB, where each row's taps start and its result lies, and a ticket where
///           the epilogue sums; dynamic 3 stages of kTiles * 128 lines of 80 bytes and of the
///           filters' BN lines of 80 bytes (forward) or BK lines of BN elements and 16 bytes
///           (dgrad), behind them 4 * kTables bytes for each channel of the source, or 16 for each
///           tap where channels are few. The epilogue's scratch is the stages.
/// Limits    Loads::packs: packs_fit of source, companion and weight. gray and rgb: forward with C
///           = 1 or 3 and R S <= 256, nothing to change. elements: any. Pixels of either image, and
///           bytes from one to the next, number fewer than 2^31 (not checked).
/// Work      2 M N FLOP for each tap and channel; a tap's channels are rounded up to BK (64 bytes),
///           where they are few all taps together. A step fetches 64 (kTiles BM + BN) bytes through
///           L2: in bf16, for one tensor, 1 / BM + 1 / BN bytes per FLOP.
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
