// SPDX-License-Identifier: Apache-2.0
// Gradient of the data: band_dgrad_kernel, its arguments and what a block of it does. The band of
// dy, all K filters of it, is loaded and changed once and stays in shared memory, while chunks of
// BN channels go by: the filters of a chunk arrive by cp.async, step by step, and the chunk's g and
// x for the epilogue beside them. A step is one row of taps of 32 filters (3x3) or up to kSlices
// times 32 filters (1x1).
#pragma once

#include "conv/band/band.cuh"
#include "conv/band/gradient_epilogue.cuh"
#include "conv/band/warp_product.cuh"
#include "conv/plan/backward_roles.h"
#include "cuda/launch.cuh"

namespace accrete::kernels::cuda {

template <int SIDE, class Tile_, int SLICES, int STAGES, class Change_, class Target_, int ALIGN_>
struct DgradShape {
  using Tile = Tile_;
  using Change = Change_;
  using Target = Target_;
  static constexpr int kSide = SIDE, kSlices = SLICES, kStages = STAGES, ALIGN = ALIGN_;
  static_assert(SIDE == 1 || SLICES == SIDE);
  using TileBand = Band<SIDE, Tile::BM, Tile::kThreads>;
  using Product = WarpProduct<Tile, FilterOrder::columns_contiguous>;
  using Epilogue = GradientEpilogue<Tile, Target, ALIGN_>;
  static constexpr int kStageBytes = SLICES * Product::kBytesB;
  static constexpr int kStreamBytes = STAGES * kStageBytes + Epilogue::kOwnBytes;

  struct Arguments {
    Slots<SIDE> slots;
    int band_bytes, row_bytes;
    int band_at;         ///< in shared memory: behind what streams by
    int slices_at_once;  ///< of the companion that have room
    PackSource dy, weight;
    int channels, filters;
    int channels_per_block;
    typename Change::Arguments change;
    Target target;

    __host__ __device__ int filter_slices() const { return (filters + kSlice - 1) / kSlice; }
    __host__ __device__ int padded_filters() const { return filter_slices() * kSlice; }
    __host__ __device__ int tables_at() const { return band_at + band_bytes; }
    __host__ __device__ int epilogue_at() const {
      return tables_at() + padded_filters() * Change::kTableBytes;
    }
    __host__ __device__ int slots_at() const { return epilogue_at() + Epilogue::kSharedBytes; }
  };

  static Arguments arguments(const ConvProblem& problem, const ConstTensorView& dy,
                             const ConstTensorView& weight,
                             const typename Change::Arguments& change, const Target& target) {
    const Slots<SIDE> slots(problem);
    const auto band_slots = static_cast<int>(TileBand::most_slots(slots));
    const auto filters = static_cast<int>(problem.K);
    const int padded = (filters + kSlice - 1) / kSlice * kSlice;
    const int row_bytes = 2 * padded + kPackBytes;
    const int companion = Change::kTensors == 2 ? band_slots * kPaddedSliceBytes : 0;
    const int stream = std::max(kStreamBytes, companion);
    return {slots,
            band_slots * row_bytes,
            row_bytes,
            stream,
            companion == 0 ? padded / kSlice : stream / companion,
            PackSource(dy),
            PackSource(weight),
            static_cast<int>(problem.C),
            filters,
            channels_per_block(problem),
            change,
            target};
  }
  /// Tiles along the pixels and ranges of channels.
  static dim3 grid(const Arguments& a) {
    return {blocks_for(a.slots.pixels(), Tile::BM), blocks_for(a.channels, a.channels_per_block)};
  }
  static std::uint32_t shared_bytes(const Arguments& a) {
    return static_cast<std::uint32_t>(a.slots_at() + TileBand::table_bytes(a.slots));
  }

 private:
  /// Whole chunks, so few that there are two blocks for each multiprocessor of a large GPU.
  static int channels_per_block(const ConvProblem& problem) {
    const std::int64_t tiles = (problem.x_shape().pixels() + Tile::BM - 1) / Tile::BM;
    const std::int64_t chunks = (problem.C + Tile::BN - 1) / Tile::BN;
    const std::int64_t ranges = std::min(chunks, (kResidentBlocks + tiles - 1) / tiles);
    return static_cast<int>((chunks + ranges - 1) / ranges * Tile::BN);
  }
};

template <class Shape>
class DgradBlock {
  using Tile = typename Shape::Tile;
  using Change = typename Shape::Change;
  using Product = typename Shape::Product;
  using Arguments = typename Shape::Arguments;

 public:
  __device__ __forceinline__ DgradBlock(const Arguments& arguments, int tile, int range,
                                        unsigned char* dynamic_shared)
      : a(arguments),
        shared(dynamic_shared),
        band(a.slots, tile * Tile::BM, reinterpret_cast<int*>(shared + a.slots_at())),
        epilogue(a.target, band.first, band.pixels, a.channels,
                 shared + Shape::kStages * Shape::kStageBytes, shared + a.epilogue_at()),
        number(tile),
        range_number(range),
        first_channel(range * a.channels_per_block),
        end_channel(lesser(first_channel + a.channels_per_block, a.channels)) {
    Change::fill_table(a.change, a.filters, a.padded_filters(), shared + a.tables_at());
    __syncthreads();
  }

  __device__ __forceinline__ void run() {
    load_band();
    int rows_a[Tile::MI];
    locate_rows(rows_a);
    const int offset_b = Product::offset_b();
    epilogue.fill_vectors(first_channel, 0);
    __syncthreads();  // the band is complete, and what lay beside it has been read
    Cursor filling{first_channel, 0, 0};
#pragma unroll
    for (int s = 0; s < Shape::kStages - 1; ++s) {
      fill(filling, s);
      ptx::cp_async_commit();
      advance(filling);
    }
    int arrived = 0;
    int next = Shape::kStages - 1;
    int parity = 0;
#pragma unroll 1
    for (int column = first_channel; column < end_channel; column += Tile::BN, parity ^= 1) {
      Accumulators<Tile> sums;
      sums.clear();
      Cursor at{column, 0, 0};
#pragma unroll 1
      do {
        ptx::cp_async_wait<Shape::kStages - 2>();
        __syncthreads();  // the step's filters are there for all, those before have been read out
        if (at.is_first()) {
          begin_chunk(column, parity);
        }
        fill(filling, next);
        ptx::cp_async_commit();
        advance(filling);
        multiply(at, arrived, rows_a, offset_b, sums);
        arrived = arrived + 1 == Shape::kStages ? 0 : arrived + 1;
        next = next + 1 == Shape::kStages ? 0 : next + 1;
        advance(at);
      } while (at.column == column);
      ptx::cp_async_wait<0>();
      epilogue.finish(sums, column, parity);
    }
    if constexpr (Shape::Target::kNorm) {
      finish_sums(parity ^ 1);
    }
  }

 private:
  // A step of a chunk: from filter slice `slice` on, row `r` of the taps.
  struct Cursor {
    int column, slice, r;
    __device__ __forceinline__ bool is_first() const { return slice == 0 && r == 0; }
  };

  const Arguments& a;
  unsigned char* shared;
  typename Shape::TileBand band;
  typename Shape::Epilogue epilogue;
  int number, range_number;
  int first_channel, end_channel;

  __device__ static __forceinline__ int lesser(int one, int other) {
    return one < other ? one : other;
  }

  __device__ __forceinline__ void advance(Cursor& at) const {
    if (Shape::kSide > 1 && at.r + 1 < Shape::kSide) {
      ++at.r;
      return;
    }
    at.r = 0;
    at.slice += Shape::kSide > 1 ? 1 : Shape::kSlices;
    if (at.slice >= a.filter_slices()) {
      at.slice = 0;
      at.column += Tile::BN;
    }
  }

  // The band is made by the threads that copied it, as many slices at a time as have a companion.
  __device__ __forceinline__ void load_band() const {
    const int slices = a.filter_slices();
#pragma unroll 1
    for (int first = 0; first < slices; first += a.slices_at_once) {
      const int end = lesser(first + a.slices_at_once, slices);
#pragma unroll 1
      for (int slice = first; slice < end; ++slice) {
        copy_slice(slice, slice - first);
      }
      ptx::cp_async_commit();
      ptx::cp_async_wait<0>();
      if constexpr (Change::kActive) {
#pragma unroll 1
        for (int slice = first; slice < end; ++slice) {
          change_slice(slice, slice - first);
        }
      }
    }
  }
  __device__ __forceinline__ unsigned char* companion(int place) const {
    return shared + place * band.slots * kPaddedSliceBytes;
  }
  __device__ __forceinline__ void copy_slice(int slice, int place) const {
    const int c = slice * kSlice;
    band.template fill<Shape::ALIGN>(a.dy.from(band.base, c), a.filters - c,
                                     shared + a.band_at + slice * kSliceBytes, a.row_bytes);
    if constexpr (Change::kTensors == 2) {
      band.template fill<Shape::ALIGN>(a.change.y.from(band.base, c), a.filters - c,
                                       companion(place), kPaddedSliceBytes);
    }
  }
  __device__ __forceinline__ void change_slice(int slice, int place) const {
    const int pack = own_slice_pack();
    const auto k = Change::coefficients(shared + a.tables_at(), a.padded_filters(),
                                        slice * kSlice + pack * kPackChannels);
    band.template change<Change>(k, shared + a.band_at + slice * kSliceBytes, a.row_bytes,
                                 companion(place), kPaddedSliceBytes);
  }

  __device__ __forceinline__ void locate_rows(int (&rows_a)[Tile::MI]) const {
    const ThreadPlace<Tile> at;
#pragma unroll
    for (int i = 0; i < Tile::MI; ++i) {
      const int m = at.pointed_row(i);
      rows_a[i] = Product::offset_a(band.first_tap(a.slots, m), a.row_bytes);
    }
  }

  // What the epilogues of this chunk and of the next one need, and the sums of the one before.
  __device__ __forceinline__ void begin_chunk(int column, int parity) const {
    epilogue.fill_vectors(column + Tile::BN, parity ^ 1);
    epilogue.fetch(column);
    if (column > first_channel) {
      epilogue.put_sums(number, column - Tile::BN, parity ^ 1);
    }
  }

  // Rows of a step are [tap or slice][32 filters], a filter's channels of the chunk each.
  __device__ __forceinline__ void fill(const Cursor& at, int stage) const {
    constexpr int kPacks = Tile::BN / kPackChannels;
    constexpr int kRowsPerPass = Tile::kThreads / kPacks;
    const int pack = static_cast<int>(threadIdx.x) % kPacks;
    const int own = static_cast<int>(threadIdx.x) / kPacks;
    const int c = at.column + pack * kPackChannels;
    const int inside = at.column < end_channel ? a.channels - c : 0;
    const PackSource filters = a.weight.from(0, c);
    unsigned char* const to =
        shared + stage * Shape::kStageBytes + permuted(own, pack, Product::kRowBytes);
#pragma unroll
    for (int row = 0; row < kSlice; row += kRowsPerPass) {
#pragma unroll
      for (int q = 0; q < Shape::kSlices; ++q) {
        const int slice = Shape::kSide == 1 ? at.slice + q : at.slice;
        const int filter = slice * kSlice + own + row;
        const int tap = Shape::kSide == 1 ? 0 : at.r * Shape::kSide + q;
        copy_pack<Shape::ALIGN>(to + (q * kSlice + row) * Product::kRowBytes,
                                filters.at(filter * Shape::kSide * Shape::kSide + tap),
                                filter < a.filters ? inside : 0);
      }
    }
  }

  // Tap (r, s) of the filters meets dy at the opposite place.
  __device__ __forceinline__ void multiply(const Cursor& at, int stage,
                                           const int (&rows_a)[Tile::MI], int offset_b,
                                           Accumulators<Tile>& sums) const {
    const unsigned char* const from = shared + a.band_at + at.slice * kSliceBytes;
    const unsigned char* const filters = shared + stage * Shape::kStageBytes;
#pragma unroll
    for (int q = 0; q < Shape::kSlices; ++q) {
      if (Shape::kSide > 1 || q == 0 || at.slice + q < a.filter_slices()) {
        const int moved =
            Shape::kSide == 1
                ? q * kSliceBytes
                : a.slots.tap_distance(Shape::kSide - 1 - at.r, Shape::kSide - 1 - q) * a.row_bytes;
        Product::add(from + moved, rows_a, filters + q * Product::kBytesB, offset_b, sums);
      }
    }
  }

  __device__ __forceinline__ void finish_sums(int parity) const {
    __syncthreads();
    const int last = (end_channel - 1 - first_channel) / Tile::BN * Tile::BN + first_channel;
    epilogue.put_sums(number, last, parity);
    combine_in_last_block<Tile::BN, Tile::kThreads>(a.target.results, number,
                                                    {first_channel, end_channel, range_number},
                                                    a.target.sink, reinterpret_cast<Pair*>(shared));
  }
};

/// Computes  dx[n,h,w,c] = sum over r, s, k of d[n, h - r + pad, w - s + pad, k] * weight[k,r,s,c],
///           with d = change(dy) and 0 outside the image, pad = SIDE / 2. GradientEpilogue stores
///           it: masked and scaled for a NormGradientTarget, whose sums of dz and dz * xhat it
///           leaves, as it is for a PlainTarget. Shape is a DgradShape.
/// Operands  dy (g, and y with a deferred gradient) [N,H,W,K], x and g [N,H,W,C] bf16, any pitches;
///           weight [K,SIDE,SIDE,C] bf16, packed; the vectors of the change f32 [K], of the norm
///           [C].
/// Grid      x: tiles of BM consecutive pixels (128 or 256); y: ranges of channels, whole chunks,
///           more than one where tiles alone are fewer than kResidentBlocks.
/// Threads   128: band and product as in band_forward_kernel; each of the four warps has whole rows
///           of the results, BM / 4 of them, and fetches g and x for these itself.
/// Shared    static: a ticket (with a norm); dynamic: kStages steps of kSlices * 64 * BN bytes and
///           of a chunk g and (with a norm) x, BM rows of 2 BN + 16 bytes each, in all of whose
///           place y lies while the band is changed; the band, 2 K + 16 bytes a slot with K rounded
///           up to 32; tables of the change; vectors and sums of two chunks (with a norm); 4 bytes
///           for each slot (3x3).
/// Limits    as band_forward_kernel, with rows of dy, y, weight, x and g; BM rows of g span fewer
///           than 2^32 elements (not checked). What has too many filters for shared memory is not
///           launched.
/// Work      2 * SIDE^2 * K FLOP per result, K rounded up to 32. dy (g and y) is read once for each
///           range of channels, and the slots around a tile once more (3x3); weight once for each
///           tile, through L2; x read, g written and, when accumulating, read once.
template <class Shape>
__global__ void __launch_bounds__(Shape::Tile::kThreads, 2)
    band_dgrad_kernel(const __grid_constant__ typename Shape::Arguments arguments) {
  ACCRETE_DYNAMIC_SHARED(shared);
  DgradBlock<Shape>(arguments, static_cast<int>(blockIdx.x), static_cast<int>(blockIdx.y), shared)
      .run();
}

}  // namespace accrete::kernels::cuda
