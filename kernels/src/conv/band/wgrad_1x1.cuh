// SPDX-License-Identifier: Apache-2.0
// A block of the weight gradient of a 1x1 convolution (band_wgrad_kernel says the rest). It has
// FILTERS filters and 128 channels, in four warps, and goes through its pixels in steps of 32. Both
// operands lie in shared memory as in memory, a row per pixel, and are read transposed. x arrives
// by cp.async and is changed in place; where d is made of two tensors, these come through
// registers. Pixels behind the last one are zero in d, whatever becomes of them in z.
//
// Shared memory: 3 stages of 32 rows, 272 bytes of x and FILTERS * 2 + 16 of d, and tables: 55 KB.
#pragma once

#include "conv/band/wgrad_ranges.cuh"
#include "conv/band/wgrad_rows.cuh"
#include "conv/implicit_gemm/tile.cuh"

namespace accrete::kernels::cuda {

template <class GradientChange_, class InputChange_, int FILTERS_, int ALIGN_>
struct Wgrad1x1 {
  using GradientChange = GradientChange_;
  using InputChange = InputChange_;
  static constexpr int FILTERS = FILTERS_, ALIGN = ALIGN_;
  using Sums = Tile<FILTERS, kWgrad1x1Channels, FILTERS / 2, kWgrad1x1Channels / 2, kWgradPixels>;
  static_assert(Sums::kThreads == kWgradThreads);
  using InputRows = WgradRows<kWgradPixels, kWgrad1x1Channels / kPackChannels>;
  using GradientRows = WgradRows<kWgradPixels, FILTERS / kPackChannels>;
  static constexpr int kStages = 3;
  static constexpr int kStage = InputRows::kBytes + GradientRows::kBytes;
  static constexpr int kGradientTableAt = kStages * kStage;
  static constexpr int kInputTableAt = kGradientTableAt + FILTERS * GradientChange::kTableBytes;
  static constexpr int kSharedBytes = kInputTableAt + kWgrad1x1Channels * InputChange::kTableBytes;

  struct Arguments {
    int pixels;
    PackSource x, grad_y;
    typename InputChange::Arguments input_change;
    typename GradientChange::Arguments gradient_change;
    WgradBlocks blocks;
    WeightGradient<1> result;
  };

  static Arguments arguments(const ConvProblem& problem, const ConstTensorView& x,
                             const typename InputChange::Arguments& input_change,
                             const ConstTensorView& grad_y,
                             const typename GradientChange::Arguments& gradient_change,
                             const TensorView& grad_weight, GradMode mode,
                             const WgradBlocks& blocks) {
    return {static_cast<int>(problem.x_shape().pixels()),
            PackSource(x),
            PackSource(grad_y),
            input_change,
            gradient_change,
            blocks,
            {grad_weight.f32(), static_cast<int>(problem.K), static_cast<int>(problem.C),
             mode == GradMode::accumulate}};
  }
  static std::uint32_t blocks(const Arguments& a) { return a.blocks.count(); }
  static std::uint32_t shared_bytes(const Arguments& /*a*/) { return kSharedBytes; }
  __device__ static __forceinline__ void run(const Arguments& arguments, int block,
                                             unsigned char* shared);
};

template <class Shape>
class Wgrad1x1Block {
  using InputChange = typename Shape::InputChange;
  using GradientChange = typename Shape::GradientChange;
  using InputRows = typename Shape::InputRows;
  using GradientRows = typename Shape::GradientRows;
  using Sums = typename Shape::Sums;

 public:
  __device__ Wgrad1x1Block(const typename Shape::Arguments& arguments, int block,
                           unsigned char* dynamic_shared)
      : a(arguments),
        shared(dynamic_shared),
        place(arguments.blocks.place(block)),
        channels(a.result.channels - place.first_channel - InputRows::own_pack() * kPackChannels),
        filters(a.result.filters - place.first_filter - GradientRows::own_pack() * kPackChannels),
        x(own<InputRows>(a.x, channels > 0 ? a.result.channels - channels : place.first_channel)),
        grad_y(own<GradientRows>(a.grad_y, own_filter())),
        y(own<GradientRows>(second(a.gradient_change, a.grad_y), own_filter())) {
    InputChange::fill_table(from_channel(a.input_change, place.first_channel),
                            a.result.channels - place.first_channel, kWgrad1x1Channels,
                            shared + Shape::kInputTableAt);
    GradientChange::fill_table(from_channel(a.gradient_change, place.first_filter),
                               a.result.filters - place.first_filter, Shape::FILTERS,
                               shared + Shape::kGradientTableAt);
    __syncthreads();
  }

  __device__ __forceinline__ void run() {
    const ThreadPlace<Sums> at;
    const int from_d = InputRows::kBytes + GradientRows::left_offset(at.warp_m);
    const int from_z = InputRows::right_offset(at.warp_n);
    int left = a.pixels - place.first_step * kWgradPixels;  // pixels, the step's and those behind
#pragma unroll
    for (int s = 0; s < Shape::kStages - 1; ++s) {
      if (s < place.steps) {
        fill(s * Shape::kStage, left - s * kWgradPixels);
      }
      ptx::cp_async_commit();
    }
    GradientPacks packs{};
    load(packs, left);
    constexpr int kEnd = Shape::kStages * Shape::kStage;
    int arrived = 0;
    int next = (Shape::kStages - 1) * Shape::kStage;
    const auto of_d = coefficients<GradientChange>(shared + Shape::kGradientTableAt, Shape::FILTERS,
                                                   GradientRows::own_pack() * kPackChannels);
    Accumulators<Sums> sums;
    sums.clear();
#pragma unroll 1
    for (int step = 0; step < place.steps; ++step) {
      store_d(arrived, packs, of_d, left);  // first: registers for what it is made of are scarce
      ptx::cp_async_wait<Shape::kStages - 2>();
      change_x(arrived);
      __syncthreads();  // the stage is complete for all, and the one to be filled is read out
      left -= kWgradPixels;
      if (step + 1 < place.steps) {
        load(packs, left);
      }
      if (step + Shape::kStages - 1 < place.steps) {
        fill(next, left - (Shape::kStages - 2) * kWgradPixels);
      }
      ptx::cp_async_commit();
      multiply(shared + (arrived + from_d), shared + (arrived + from_z), sums);
      arrived = arrived + Shape::kStage == kEnd ? 0 : arrived + Shape::kStage;
      next = next + Shape::kStage == kEnd ? 0 : next + Shape::kStage;
    }
    finish(sums);
  }

 private:
  static constexpr bool kMade = GradientChange::kActive;  // whether d is made from g and y
  struct GradientPacks {
    uint4 g[kMade ? GradientRows::kPasses : 1];
    uint4 y[kMade ? GradientRows::kPasses : 1];
  };

  const typename Shape::Arguments& a;
  unsigned char* shared;
  WgradPlace place;
  int channels, filters;    // from the thread's own packs on
  PackSource x, grad_y, y;  // at those, in the thread's first row of the next step to be read

  template <class Rows>
  __device__ __forceinline__ PackSource own(const PackSource& from, int channel) const {
    return from.from(static_cast<std::int64_t>(place.first_step) * kWgradPixels + Rows::own_row(),
                     channel);
  }
  // Of the pack; where there is none, any will do, since its results are none.
  __device__ __forceinline__ int own_filter() const {
    return filters > 0 ? a.result.filters - filters : place.first_filter;
  }

  // Sends for a step, which has `left` pixels or more than its rows.
  __device__ __forceinline__ void fill(int stage, int left) {
    copy<InputRows>(stage, x, channels, left);
    if constexpr (!kMade) {
      copy<GradientRows>(stage + InputRows::kBytes, grad_y, filters, left);
    }
  }
  template <class Rows>
  __device__ __forceinline__ void copy(int to, PackSource& from, int existing, int left) const {
    const int below = left - Rows::own_row();
    Rows::template fill<Shape::ALIGN>(
        shared + (to + Rows::own_offset()), [&](int i) { return from.at(i * Rows::kRowsPerPass); },
        [&](int i) { return i * Rows::kRowsPerPass < below ? existing : 0; });
    from = from.from(kWgradPixels, 0);
  }

  // What d of a step is made of. Where there is no pixel, packs stay as they are: d will be zero.
  __device__ __forceinline__ void load(GradientPacks& packs, int left) {
    if constexpr (kMade) {
      const int below = left - GradientRows::own_row();
#pragma unroll
      for (int i = 0; i < GradientRows::kPasses; ++i) {
        const int row = i * GradientRows::kRowsPerPass;
        if (row < below) {
          packs.g[i] = load_pack(grad_y.at(row));
          packs.y[i] = load_pack(y.at(row));
        }
      }
      grad_y = grad_y.from(kWgradPixels, 0);
      y = y.from(kWgradPixels, 0);
    }
  }
  __device__ __forceinline__ uint4 load_pack(const unsigned char* from) const {
    if constexpr (Shape::ALIGN == kPackBytes) {
      return *reinterpret_cast<const uint4*>(from);
    } else {
      const uint2 first = *reinterpret_cast<const uint2*>(from);
      const uint2 second = *reinterpret_cast<const uint2*>(from + (filters > 4 ? 8 : 0));
      return {first.x, first.y, second.x, second.y};
    }
  }

  __device__ __forceinline__ void change_x(int stage) const {
    if constexpr (InputChange::kActive) {
      // Read anew in every step: there are no registers left for them.
      const auto k = InputChange::coefficients(shared + Shape::kInputTableAt, kWgrad1x1Channels,
                                               InputRows::own_pack() * kPackChannels);
      InputRows::template change<InputChange>(shared + (stage + InputRows::own_offset()), 0, k,
                                              [](int /*i*/) { return true; });
    }
  }
  __device__ __forceinline__ void store_d(int stage, const GradientPacks& packs,
                                          const typename GradientChange::Coefficients& k,
                                          int left) const {
    if constexpr (kMade) {
      unsigned char* const own = shared + (stage + InputRows::kBytes + GradientRows::own_offset());
      const auto at = [&](int i) {
        return reinterpret_cast<uint4*>(own +
                                        i * GradientRows::kRowsPerPass * GradientRows::kRowBytes);
      };
#pragma unroll
      for (int i = 0; i < GradientRows::kPasses; ++i) {
        *at(i) = GradientChange::changed(packs.g[i], packs.y[i], k);
      }
      if (left < kWgradPixels) {
#pragma unroll
        for (int i = 0; i < GradientRows::kPasses; ++i) {
          if (GradientRows::own_row() + i * GradientRows::kRowsPerPass >= left) {
            *at(i) = {0, 0, 0, 0};
          }
        }
      }
    }
  }

  // d and z: at this lane's row of the first fragments.
  __device__ __forceinline__ void multiply(const unsigned char* d, const unsigned char* z,
                                           Accumulators<Sums>& sums) const {
#pragma unroll
    for (int k = 0; k < kWgradPixels / 16; ++k) {
      std::uint32_t of_d[Sums::MI][4];
#pragma unroll
      for (int i = 0; i < Sums::MI; ++i) {
        ptx::ldmatrix_x4_trans(of_d[i], d + (k * 16 * GradientRows::kRowBytes + i * 32));
      }
#pragma unroll
      for (int j = 0; j < Sums::NI; j += 2) {
        std::uint32_t pair[4];
        ptx::ldmatrix_x4_trans(pair, z + (k * 16 * InputRows::kRowBytes + j * 16));
        const std::uint32_t first[2] = {pair[0], pair[1]};
        const std::uint32_t second[2] = {pair[2], pair[3]};
#pragma unroll
        for (int i = 0; i < Sums::MI; ++i) {
          ptx::mma_bf16(sums.v[i][j], of_d[i], first);
          ptx::mma_bf16(sums.v[i][j + 1], of_d[i], second);
        }
      }
    }
  }

  __device__ __forceinline__ void finish(const Accumulators<Sums>& sums) const {
    constexpr int NI = Sums::NI;
    const auto own = [&](int quad) {
      const float(&v)[4] = sums.v[quad / NI][quad % NI];
      return make_float4(v[0], v[1], v[2], v[3]);
    };
    const ThreadPlace<Sums> at;
    add_ranges<Sums::MI * NI>(a.blocks, place, own, [&](int quad, const float4& v) {
      const int filter = place.first_filter + at.row(quad / NI, 0);
      const int channel = place.first_channel + at.column(quad % NI, 0);
      a.result.put(filter, 0, channel, make_float2(v.x, v.y));
      a.result.put(filter + 8, 0, channel, make_float2(v.z, v.w));
    });
  }
};

template <class GradientChange, class InputChange, int FILTERS, int ALIGN>
__device__ __forceinline__ void Wgrad1x1<GradientChange, InputChange, FILTERS, ALIGN>::run(
    const Arguments& arguments, int block, unsigned char* shared) {
  Wgrad1x1Block<Wgrad1x1>(arguments, block, shared).run();
}

}  // namespace accrete::kernels::cuda
