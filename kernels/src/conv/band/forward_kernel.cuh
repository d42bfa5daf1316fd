// SPDX-License-Identifier: Apache-2.0
// Forward: band_forward_kernel, its arguments and what a block of it does. A block goes through its
// channels in slices of 32: the band of x and the filters of a slice arrive by cp.async, the band
// is changed in place, and every tap is a product of shifted rows.
#pragma once

#include "conv/band/band.cuh"
#include "conv/band/statistics_epilogue.cuh"
#include "conv/band/warp_product.cuh"
#include "cuda/launch.cuh"

namespace accrete::kernels::cuda {

template <int SIDE, class Tile_, int STAGES, class Change_, int ALIGN_>
struct ForwardShape {
  using Tile = Tile_;
  using Change = Change_;
  static constexpr int kSide = SIDE, kStages = STAGES, ALIGN = ALIGN_;
  static constexpr int kTaps = SIDE * SIDE;
  using TileBand = Band<SIDE, Tile::BM, Tile::kThreads>;
  using Product = WarpProduct<Tile, FilterOrder::k_contiguous>;
  static constexpr int kFilterBytes = kTaps * Product::kBytesB;

  struct Arguments {
    Slots<SIDE> slots;
    int band_bytes;  ///< of a stage
    int tables_at;   ///< in shared memory
    PackSource x, weight;
    int channels, filters;
    typename Change::Arguments change;
    StatisticsEpilogue epilogue;

    __host__ __device__ int stage_bytes() const { return band_bytes + kFilterBytes; }
    __host__ __device__ int padded_channels() const {
      return (channels + kSlice - 1) / kSlice * kSlice;
    }
  };

  static Arguments arguments(const ConvProblem& problem, const ConstTensorView& x,
                             const ConstTensorView& weight,
                             const typename Change::Arguments& change,
                             const StatisticsEpilogue& epilogue) {
    const Slots<SIDE> slots(problem);
    const int band_bytes = static_cast<int>(TileBand::most_slots(slots)) * kPaddedSliceBytes;
    return {slots,
            band_bytes,
            std::max(kStages * (band_bytes + kFilterBytes), StatisticsEpilogue::kSharedBytes<Tile>),
            PackSource(x),
            PackSource(weight),
            static_cast<int>(problem.C),
            static_cast<int>(problem.K),
            change,
            epilogue};
  }
  /// Tiles of pixels, tiles of filters.
  static dim3 grid(const Arguments& a) {
    return {blocks_for(a.slots.pixels(), Tile::BM), blocks_for(a.filters, Tile::BN)};
  }
  static std::uint32_t shared_bytes(const Arguments& a) {
    return static_cast<std::uint32_t>(a.tables_at + a.padded_channels() * Change::kTableBytes +
                                      TileBand::table_bytes(a.slots));
  }
};

template <class Shape>
class ForwardBlock {
  using Tile = typename Shape::Tile;
  using Change = typename Shape::Change;
  using Product = typename Shape::Product;
  using Arguments = typename Shape::Arguments;
  using TileBand = typename Shape::TileBand;

 public:
  __device__ ForwardBlock(const Arguments& arguments, unsigned char* dynamic_shared)
      : a(arguments),
        shared(dynamic_shared),
        tables(dynamic_shared + arguments.tables_at),
        band(arguments.slots, static_cast<int>(blockIdx.x) * Tile::BM,
             reinterpret_cast<int*>(tables + arguments.padded_channels() * Change::kTableBytes)),
        x(arguments.x.from(band.base, 0)),
        first_filter(static_cast<int>(blockIdx.y) * Tile::BN) {
    Change::fill_table(a.change, a.channels, a.padded_channels(), tables);
  }

  __device__ __forceinline__ void run() {
    int rows_a[Tile::MI];
    locate_rows(rows_a);
    const int offset_b = Product::offset_b();
    __syncthreads();  // tables
    const int slices = a.padded_channels() / kSlice;
#pragma unroll
    for (int s = 0; s < Shape::kStages - 1; ++s) {
      if (s < slices) {
        fill(s, s * a.stage_bytes());
      }
      ptx::cp_async_commit();
    }
    const int end = Shape::kStages * a.stage_bytes();
    int arrived = 0;
    int next = (Shape::kStages - 1) * a.stage_bytes();
    Accumulators<Tile> sums;
    sums.clear();
#pragma unroll 1
    for (int slice = 0; slice < slices; ++slice) {
      ptx::cp_async_wait<Shape::kStages - 2>();
      change(slice, arrived);
      __syncthreads();  // the stage is complete for all, and the one to be filled is read out
      if (slice + Shape::kStages - 1 < slices) {
        fill(slice + Shape::kStages - 1, next);
      }
      ptx::cp_async_commit();
      multiply(arrived, rows_a, offset_b, sums);
      arrived = arrived + a.stage_bytes() == end ? 0 : arrived + a.stage_bytes();
      next = next + a.stage_bytes() == end ? 0 : next + a.stage_bytes();
    }
    __syncthreads();  // the stages have been read out
    a.epilogue.finish(sums,
                      {static_cast<int>(blockIdx.x), band.first, band.pixels, first_filter,
                       a.filters - first_filter},
                      shared);
  }

 private:
  const Arguments& a;
  unsigned char* shared;
  unsigned char* tables;
  TileBand band;
  PackSource x;
  int first_filter;

  __device__ __forceinline__ void locate_rows(int (&rows_a)[Tile::MI]) const {
    const ThreadPlace<Tile> at;
#pragma unroll
    for (int i = 0; i < Tile::MI; ++i) {
      const int m = at.pointed_row(i);
      rows_a[i] =
          Product::offset_a(Shape::kSide == 1 ? m : band.first_tap(a.slots, m), kPaddedSliceBytes);
    }
  }

  // Rows of filters are [tap][BN] in shared memory and [filter][tap] in the weight.
  __device__ __forceinline__ void fill(int slice, int stage) const {
    constexpr int kRowsPerPass = Tile::kThreads / kSlicePacks;
    static_assert(Tile::BN % kRowsPerPass == 0);
    const int channels = a.channels - slice * kSlice;
    band.template fill<Shape::ALIGN>(x.from(0, slice * kSlice), channels, shared + stage,
                                     kPaddedSliceBytes);
    const int pack = own_slice_pack();
    const int own = own_slice_row();
    const PackSource filters = a.weight.from(0, slice * kSlice + pack * kPackChannels);
    unsigned char* const to = shared + stage + a.band_bytes + permuted(own, pack, kSliceBytes);
#pragma unroll
    for (int row = 0; row < Tile::BN; row += kRowsPerPass) {
      const int filter = first_filter + own + row;
      const int inside = filter < a.filters ? channels - pack * kPackChannels : 0;
#pragma unroll
      for (int tap = 0; tap < Shape::kTaps; ++tap) {
        copy_pack<Shape::ALIGN>(to + (tap * Tile::BN + row) * kSliceBytes,
                                filters.at(filter * Shape::kTaps + tap), inside);
      }
    }
  }

  __device__ __forceinline__ void change(int slice, int stage) const {
    if constexpr (Change::kActive) {
      const int pack = own_slice_pack();
      const auto k =
          Change::coefficients(tables, a.padded_channels(), slice * kSlice + pack * kPackChannels);
      band.template change<Change>(k, shared + stage, kPaddedSliceBytes, shared + stage,
                                   kPaddedSliceBytes);
    }
  }

  __device__ __forceinline__ void multiply(int stage, const int (&rows_a)[Tile::MI], int offset_b,
                                           Accumulators<Tile>& sums) const {
    const unsigned char* const filters = shared + stage + a.band_bytes;
#pragma unroll
    for (int tap = 0; tap < Shape::kTaps; ++tap) {
      const int moved = a.slots.tap_distance(tap / Shape::kSide, tap % Shape::kSide);
      Product::add(shared + stage + moved * kPaddedSliceBytes, rows_a,
                   filters + tap * Product::kBytesB, offset_b, sums);
    }
  }
};

/// Computes  y[n,h,w,k] = bias[k] + sum over r, s, c of z[n, h + r - pad, w + s - pad, c] *
///           weight[k,r,s,c], with z = change(x) and 0 outside the image, pad = SIDE / 2, and where
///           they are wanted the moments of every k over y as stored (StatisticsEpilogue). Shape is
///           a ForwardShape.
/// Operands  x [N,H,W,C] and y [N,H,W,K] bf16, any pitches; weight [K,SIDE,SIDE,C] bf16, packed;
///           bias f32 [K] or null; the vectors of the change f32 [C].
/// Grid      x: tiles of BM consecutive pixels (128 or 256); y: tiles of BN filters (32, 64 or
///           128).
/// Threads   128. Of the copies and changes a thread has pack own_slice_pack() of every 32nd row,
///           from own_slice_row() on; of the product a warp has WM x WN results (ThreadPlace).
/// Shared    static: a ticket; dynamic: kStages of (band, 80 bytes a slot, and SIDE^2 * BN * 64
///           bytes of filters), which the epilogue uses afterwards; tables of the change for C
///           rounded up to 32; 4 bytes for each slot of the band (3x3). Two blocks share a
///           multiprocessor up to 113 KiB.
/// Limits    stride 1; rows of x, weight and y begin at multiples of ALIGN (16 or 8) bytes and hold
///           multiples of that; slots number fewer than 2^31 (band_side); rows are less than 4 GiB
///           apart (not checked).
/// Work      2 * SIDE^2 * C FLOP per result, C rounded up to 32. x is read once for each tile of
///           filters, and the slots around a tile of pixels once more (3x3); weight once for each
///           tile of pixels, through L2; y written once.
template <class Shape>
__global__ void __launch_bounds__(Shape::Tile::kThreads, 2)
    band_forward_kernel(const __grid_constant__ typename Shape::Arguments arguments) {
  ACCRETE_DYNAMIC_SHARED(shared);
  ForwardBlock<Shape>(arguments, shared).run();
}

}  // namespace accrete::kernels::cuda
