// SPDX-License-Identifier: Apache-2.0
// A block of the weight gradient of a 3x3 convolution (band_wgrad_kernel says the rest).
//
// * k runs over slots (slots.cuh), in which a tap is a constant distance. A block has FILTERS
//   filters and 64 channels with all taps, a warp 16 of the channels: a fragment of d is loaded
//   once for nine taps, and no element of x is read by two warps.
// * x stands in a ring of slots. Each band of 64 slots of d needs its taps, up to a row and a slot
//   to either side: every slot of x is loaded and changed once per block. Behind the ring, its
//   first two rows stand again: the taps of a row are read as one address and two offsets.
// * Slots that are no pixels are zeroed and left alone: neither relu(shift) nor a deferred
//   gradient's constant may appear there.
//
// Shared memory: ring (W + 2 slots to both sides, rounded up to bands, and 2 bands) * 144 bytes,
// 2 bands * (FILTERS * 2 + 16) bytes for each tensor of d, pixels, tables: 59 KiB for W = 56.
#pragma once

#include "conv/band/slots.cuh"
#include "conv/band/wgrad_ranges.cuh"
#include "conv/band/wgrad_rows.cuh"

namespace accrete::kernels::cuda {

/// Where the pixel of a slot of a band stands in its table: those of a thread's own rows side by
/// side.
template <class Rows>
__device__ __forceinline__ int place_in_table(int slot) {
  return slot % Rows::kRowsPerPass * Rows::kPasses + slot / Rows::kRowsPerPass;
}
/// So many numbers of one thread that stand together in shared memory, in as few reads as possible.
template <int COUNT>
__device__ __forceinline__ void read_together(int (&to)[COUNT], const int* from) {
  if constexpr (COUNT % 4 == 0) {
#pragma unroll
    for (int i = 0; i < COUNT; i += 4) {
      const uint4 four = *reinterpret_cast<const uint4*>(from + i);
      to[i] = static_cast<int>(four.x);
      to[i + 1] = static_cast<int>(four.y);
      to[i + 2] = static_cast<int>(four.z);
      to[i + 3] = static_cast<int>(four.w);
    }
  } else if constexpr (COUNT == 2) {
    const uint2 two = *reinterpret_cast<const uint2*>(from);
    to[0] = static_cast<int>(two.x);
    to[1] = static_cast<int>(two.y);
  } else {
    static_assert(COUNT == 1);
    to[0] = *from;
  }
}

template <class GradientChange_, class InputChange_, int FILTERS_, int ALIGN_>
struct Wgrad3x3 {
  using GradientChange = GradientChange_;
  using InputChange = InputChange_;
  static constexpr int FILTERS = FILTERS_, ALIGN = ALIGN_;
  static constexpr int kTaps = 9;
  static constexpr int kMirrored = 2;  // rows behind the ring
  using RingBand = WgradRows<kWgradBand, kWgrad3x3Channels / kPackChannels>;
  using GradientBand = WgradRows<kWgradBand, FILTERS / kPackChannels>;
  // Shared memory: two stages of d, its table and that of x, the pixels of two bands of d, the
  // ring, and the pixels of its bands.
  static constexpr int kStage = GradientChange::kTensors * GradientBand::kBytes;
  static constexpr int kBandPixels = kWgradBand * static_cast<int>(sizeof(int));
  static constexpr int kGradientTableAt = 2 * kStage;
  static constexpr int kInputTableAt = kGradientTableAt + FILTERS * GradientChange::kTableBytes;
  static constexpr int kGradientPixelsAt =
      kInputTableAt + kWgrad3x3Channels * InputChange::kTableBytes;
  static constexpr int kRingAt = kGradientPixelsAt + 2 * kBandPixels;

  struct Arguments {
    Slots<3> slots;
    PackSource x, grad_y;
    typename InputChange::Arguments input_change;
    typename GradientChange::Arguments gradient_change;
    WgradBlocks blocks;
    WeightGradient<kTaps> result;
    int ahead;       ///< bands of x that a band of d needs beside its own
    int ring_bands;  ///< and the one that is under way
    int ring_bytes;
    int ring_pixels_at;
  };

  static Arguments arguments(const ConvProblem& problem, const ConstTensorView& x,
                             const typename InputChange::Arguments& input_change,
                             const ConstTensorView& grad_y,
                             const typename GradientChange::Arguments& gradient_change,
                             const TensorView& grad_weight, GradMode mode,
                             const WgradBlocks& blocks) {
    const Slots<3> slots(problem);
    const int ahead = (2 * slots.reach() + kWgradBand - 1) / kWgradBand;
    const int ring_bytes = (ahead + 2) * RingBand::kBytes;
    return {slots,
            PackSource(x),
            PackSource(grad_y),
            input_change,
            gradient_change,
            blocks,
            {grad_weight.f32(), static_cast<int>(problem.K), static_cast<int>(problem.C),
             mode == GradMode::accumulate},
            ahead,
            ahead + 2,
            ring_bytes,
            kRingAt + ring_bytes + kMirrored * RingBand::kRowBytes};
  }
  static std::uint32_t blocks(const Arguments& a) { return a.blocks.count(); }
  static std::uint32_t shared_bytes(const Arguments& a) {
    return static_cast<std::uint32_t>(a.ring_pixels_at + a.ring_bands * kBandPixels);
  }
  __device__ static __forceinline__ void run(const Arguments& arguments, int block,
                                             unsigned char* shared);
};

template <class Shape>
class Wgrad3x3Block {
  using InputChange = typename Shape::InputChange;
  using GradientChange = typename Shape::GradientChange;
  using RingBand = typename Shape::RingBand;
  using GradientBand = typename Shape::GradientBand;
  static constexpr int kPieces = Shape::FILTERS / 16;  // of a mma, along the filters
  static constexpr int kQuads = Shape::kTaps * kPieces * 2;
  struct Sums {
    float v[Shape::kTaps][kPieces][2][4];
  };

 public:
  __device__ Wgrad3x3Block(const typename Shape::Arguments& arguments, int block,
                           unsigned char* dynamic_shared)
      : a(arguments),
        shared(dynamic_shared),
        place(arguments.blocks.place(block)),
        channels(a.result.channels - place.first_channel - RingBand::own_pack() * kPackChannels),
        filters(a.result.filters - place.first_filter - GradientBand::own_pack() * kPackChannels),
        x(in_registers(a.x.from(0, a.result.channels - channels))),
        grad_y(in_registers(a.grad_y.from(0, a.result.filters - filters))),
        y(in_registers(second(a.gradient_change, a.grad_y).from(0, a.result.filters - filters))) {
    InputChange::fill_table(from_channel(a.input_change, place.first_channel),
                            a.result.channels - place.first_channel, kWgrad3x3Channels,
                            shared + Shape::kInputTableAt);
    GradientChange::fill_table(from_channel(a.gradient_change, place.first_filter),
                               a.result.filters - place.first_filter, Shape::FILTERS,
                               shared + Shape::kGradientTableAt);
  }

  __device__ __forceinline__ void run() {
    begin();
    int rows_x[3];
    locate_rows(rows_x);
    Sums sums{};
    int ring = a.ahead;  // where the last band of x is that the current one needs
#pragma unroll 1
    for (int band = 0; band < place.steps; ++band) {
      const int next = ring + 1 == a.ring_bands ? 0 : ring + 1;
      const bool more = band + 1 < place.steps;
      if (more) {
        locate(band + 1 + a.ahead, next, band + 1);
      }
      ptx::cp_async_wait<0>();
      change_x(ring);
      change_d(band % 2);
      __syncthreads();  // z, d and the pixels of the next bands; what those replace is read out
      if (more) {
        fill(next, (band + 1) % 2);
      }
      ptx::cp_async_commit();
      multiply(band % 2, rows_x, sums);
      ring = next;
    }
    finish(sums);
  }

 private:
  const typename Shape::Arguments& a;
  unsigned char* shared;
  WgradPlace place;
  int channels, filters;    // from the thread's own packs on
  PackSource x, grad_y, y;  // at those

  // The bands of x in front of the first one that has its band of d.
  __device__ __forceinline__ void begin() const {
#pragma unroll 1
    for (int band = 0; band <= a.ahead; ++band) {
      locate(band, band, 0);
    }
    __syncthreads();  // pixels and tables
#pragma unroll 1
    for (int band = 0; band < a.ahead; ++band) {
      int pixels[RingBand::kPasses];
      own_pixels<RingBand>(pixels, ring_pixels(band));
      copy<RingBand>(ring_at(band), x, pixels, channels);
    }
    fill(a.ahead, 0);
    ptx::cp_async_commit();
    ptx::cp_async_wait<0>();
#pragma unroll 1
    for (int band = 0; band < a.ahead; ++band) {
      change_x(band);
    }
  }

  // Half of the threads look up the pixels of a band of x, the other half those of one of d.
  __device__ __forceinline__ void locate(int band_x, int ring, int band_d) const {
    static_assert(2 * kWgradBand == kWgradThreads);
    const int thread = static_cast<int>(threadIdx.x);
    const bool of_x = thread < kWgradBand;
    const int i = thread % kWgradBand;
    const int slot = (place.first_step + (of_x ? band_x : band_d)) * kWgradBand + i +
                     (of_x ? 0 : a.slots.reach());
    int* const at = of_x ? ring_pixels(ring) + place_in_table<RingBand>(i)
                         : stage_pixels(band_d % 2) + place_in_table<GradientBand>(i);
    *at = a.slots.pixel_of(slot);
  }

  __device__ __forceinline__ int* ring_pixels(int ring) const {
    return reinterpret_cast<int*>(shared + (a.ring_pixels_at + ring * Shape::kBandPixels));
  }
  __device__ __forceinline__ int* stage_pixels(int stage) const {
    return reinterpret_cast<int*>(shared + (Shape::kGradientPixelsAt + stage * Shape::kBandPixels));
  }
  template <class Rows>
  __device__ static __forceinline__ void own_pixels(int (&pixels)[Rows::kPasses],
                                                    const int* table) {
    read_together(pixels, table + Rows::own_row() * Rows::kPasses);
  }
  // Packs of those pixels, zeros where there is none.
  template <class Rows>
  __device__ static __forceinline__ void copy(unsigned char* own, const PackSource& from,
                                              const int (&pixels)[Rows::kPasses], int channels) {
    Rows::template fill<Shape::ALIGN>(
        own, [&](int i) { return from.at(pixels[i]); },
        [&](int i) { return pixels[i] >= 0 ? channels : 0; });
  }

  __device__ __forceinline__ unsigned char* ring_at(int ring) const {
    return shared + (Shape::kRingAt + ring * RingBand::kBytes + RingBand::own_offset());
  }
  __device__ __forceinline__ unsigned char* stage_at(int stage) const {
    return shared + (stage * Shape::kStage + GradientBand::own_offset());
  }

  __device__ __forceinline__ void fill(int ring, int stage) const {
    // All are read first: between a read of shared memory and a copy that uses it, the assembler
    // puts three idle instructions.
    int of_x[RingBand::kPasses];
    int of_d[GradientBand::kPasses];
    own_pixels<RingBand>(of_x, ring_pixels(ring));
    own_pixels<GradientBand>(of_d, stage_pixels(stage));
    copy<RingBand>(ring_at(ring), x, of_x, channels);
    copy<GradientBand>(stage_at(stage), grad_y, of_d, filters);
    if constexpr (GradientChange::kTensors == 2) {
      copy<GradientBand>(stage_at(stage) + GradientBand::kBytes, y, of_d, filters);
    }
  }

  __device__ __forceinline__ void change_x(int ring) const {
    unsigned char* const own = ring_at(ring);
    if constexpr (InputChange::kActive) {
      int pixels[RingBand::kPasses];
      own_pixels<RingBand>(pixels, ring_pixels(ring));
      const auto k = InputChange::coefficients(shared + Shape::kInputTableAt, kWgrad3x3Channels,
                                               RingBand::own_pack() * kPackChannels);
      RingBand::template change<InputChange>(own, 0, k, [&](int i) { return pixels[i] >= 0; });
    }
    if (ring == 0 && RingBand::own_row() < Shape::kMirrored) {
      *reinterpret_cast<uint4*>(own + a.ring_bytes) = *reinterpret_cast<const uint4*>(own);
    }
  }
  __device__ __forceinline__ void change_d(int stage) const {
    if constexpr (GradientChange::kActive) {
      int pixels[GradientBand::kPasses];
      own_pixels<GradientBand>(pixels, stage_pixels(stage));
      const auto k = GradientChange::coefficients(shared + Shape::kGradientTableAt, Shape::FILTERS,
                                                  GradientBand::own_pack() * kPackChannels);
      GradientBand::template change<GradientChange>(stage_at(stage), GradientBand::kBytes, k,
                                                    [&](int i) { return pixels[i] >= 0; });
    }
  }

  // The first of the warp's 16 channels among the block's.
  __device__ static __forceinline__ int own_channels() {
    return static_cast<int>(threadIdx.x) / 32 * 16;
  }

  // Where this lane's rows of the fragments of x begin in the ring, for the first tap of each row.
  __device__ __forceinline__ void locate_rows(int (&rows_x)[3]) const {
    const int first = RingBand::right_offset(own_channels());
#pragma unroll
    for (int r = 0; r < 3; ++r) {
      rows_x[r] = first + a.slots.tap_distance(r, 0) * RingBand::kRowBytes;
    }
  }

  __device__ __forceinline__ void multiply(int stage, int (&rows_x)[3], Sums& sums) const {
    const unsigned char* d = shared + (stage * Shape::kStage + GradientBand::left_offset(0));
#pragma unroll 2
    for (int k = 0; k < kWgradBand / 16; ++k) {
      std::uint32_t of_d[kPieces][4];
#pragma unroll
      for (int i = 0; i < kPieces; ++i) {
        ptx::ldmatrix_x4_trans(of_d[i], d + (k * 16 * GradientBand::kRowBytes + i * 32));
      }
#pragma unroll
      for (int tap = 0; tap < Shape::kTaps; ++tap) {
        std::uint32_t pair[4];
        ptx::ldmatrix_x4_trans(
            pair, shared + (rows_x[tap / 3] + (Shape::kRingAt + tap % 3 * RingBand::kRowBytes)));
        multiply_tap(of_d, pair, sums.v[tap]);
      }
      go_on(rows_x);
    }
  }
  __device__ static __forceinline__ void multiply_tap(const std::uint32_t (&of_d)[kPieces][4],
                                                      const std::uint32_t (&pair)[4],
                                                      float (&sums)[kPieces][2][4]) {
    const std::uint32_t left[2] = {pair[0], pair[1]};
    const std::uint32_t right[2] = {pair[2], pair[3]};
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      ptx::mma_bf16(sums[i][0], of_d[i], left);
      ptx::mma_bf16(sums[i][1], of_d[i], right);
    }
  }
  // By 16 slots. Behind the end of the ring, the difference is the smaller one of unsigned numbers.
  __device__ __forceinline__ void go_on(int (&rows_x)[3]) const {
    constexpr int kStep = 16 * RingBand::kRowBytes;
#pragma unroll
    for (int& row : rows_x) {
      const auto further = static_cast<std::uint32_t>(row + kStep);
      const auto wrapped = static_cast<std::uint32_t>(row + (kStep - a.ring_bytes));
      row = static_cast<int>(wrapped < further ? wrapped : further);
    }
  }

  __device__ __forceinline__ void finish(const Sums& sums) const {
    const auto own = [&](int quad) {
      const float(&v)[4] = sums.v[quad / (2 * kPieces)][quad / 2 % kPieces][quad % 2];
      return make_float4(v[0], v[1], v[2], v[3]);
    };
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int first_filter = place.first_filter + lane / 4;
    const int first_channel = place.first_channel + own_channels() + lane % 4 * 2;
    add_ranges<kQuads>(a.blocks, place, own, [&](int quad, const float4& v) {
      const int tap = quad / (2 * kPieces);
      const int filter = first_filter + quad / 2 % kPieces * 16;
      const int channel = first_channel + quad % 2 * 8;
      a.result.put(filter, tap, channel, make_float2(v.x, v.y));
      a.result.put(filter + 8, tap, channel, make_float2(v.z, v.w));
    });
  }
};

template <class GradientChange, class InputChange, int FILTERS, int ALIGN>
__device__ __forceinline__ void Wgrad3x3<GradientChange, InputChange, FILTERS, ALIGN>::run(
    const Arguments& arguments, int block, unsigned char* shared) {
  Wgrad3x3Block<Wgrad3x3>(arguments, block, shared).run();
}

}  // namespace accrete::kernels::cuda
