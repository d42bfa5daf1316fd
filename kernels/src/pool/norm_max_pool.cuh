// SPDX-License-Identifier: Apache-2.0
// Max pools of a tensor that is normalised on load, as column bodies (column_walk.cuh) and sources
// of gradients (norm_gradient.cuh). Forward walks down the pooled tensor; backward down x, or down
// tiles of it that share their windows.
#pragma once

#include "cuda/norm_gradient.cuh"
#include "pool/max_pool_keys.cuh"
#include "pool/max_pool_winners.cuh"
#include "pool/pool_windows.cuh"

namespace accrete::kernels::cuda {

/// Whether windows are 3x3 and every second pixel is the middle of one.
inline bool halves_image(const PoolProblem& problem) {
  return problem.R == 3 && problem.S == 3 && problem.stride_h == 2 && problem.stride_w == 2 &&
         problem.pad_h == 1 && problem.pad_w == 1 && problem.H % 2 == 0 && problem.W % 2 == 0;
}

/// y = maximum of NormRelu(x) over the window, and the first tap that has it. WINDOW x WINDOW taps,
/// or any for 0. Returns what is stored.
template <class T, bool ALIGNED, int WINDOW>
struct MaxForward {
  using Channels = ChannelPack<T, ALIGNED>;
  PoolGeometry geometry;
  ConstColumns<T, ALIGNED> x;
  NormVectors norm;
  Columns<T, ALIGNED> y;
  Winners<T, ALIGNED, std::uint8_t> winner;

  struct Column {
    const PoolGeometry& geometry;
    ConstColumns<T, ALIGNED> x;
    NormPack<kPackWidth<T>> norm;
    Columns<T, ALIGNED> y;
    Winners<T, ALIGNED, std::uint8_t> winner;

    // Taps beside the image are taken to be the pixels next to them, which are taps themselves.
    __device__ __forceinline__ PackOf<T> operator()(std::uint32_t row) const {
      const PoolAxis& v = geometry.vertical;
      const PoolAxis& h = geometry.horizontal;
      const PixelPlace at = geometry.output_place(row);
      const std::int32_t top = v.origin(at.row);
      const std::int32_t left = h.origin(at.column);
      MaxKeys<T, kPackWidth<T>> best;
#pragma unroll
      for (std::int32_t r = 0; r < (WINDOW > 0 ? WINDOW : v.window); ++r) {
        const std::int32_t from_row = v.inside(top + r);
#pragma unroll
        for (std::int32_t s = 0; s < (WINDOW > 0 ? WINDOW : h.window); ++s) {
          const std::int32_t from = h.inside(left + s);
          best.take(normalised(geometry.input_pixel(at.image, from_row, from)),
                    (from_row - top) * h.window + from - left);
        }
      }
      const PackOf<T> values = best.values();
      y.store(row, values);
      winner.store(row, best.taps());
      return values;
    }
    __device__ __forceinline__ PackOf<T> normalised(std::uint32_t pixel) const {
      PackOf<T> z = x.load(pixel);
#pragma unroll
      for (int i = 0; i < kPackWidth<T>; ++i) {
        z.v[i] = __fmaf_rn(z.v[i], norm.scale.v[i], norm.shift.v[i]);
      }
      return z;
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {geometry, x.at(channels), NormPack<kPackWidth<T>>(norm, channels), y.at(channels),
            winner.at(channels)};
  }
};

/// Adds the gradients of the channels whose window was won by the tap that has no difference.
template <int V>
__device__ __forceinline__ void add_won(Pack<V>& sum, const Pack<V>& gradient,
                                        const TapBytes<V>& differences) {
#pragma unroll
  for (int i = 0; i < V; ++i) {
    if (differences.is_zero(i)) {
      sum.v[i] += gradient.v[i];
    }
  }
}

/// The sum of the deferred gradients of all windows that a pixel has won.
template <class T, bool ALIGNED>
struct MaxSource {
  using Channels = ChannelPack<T, ALIGNED>;
  PoolGeometry geometry;
  ConstColumns<T, ALIGNED> g;
  ConstColumns<T, ALIGNED> y;
  DeferredGradientVectors due;
  Winners<T, ALIGNED, const std::uint8_t> winner;

  struct Column {
    const PoolGeometry& geometry;
    ConstColumns<T, ALIGNED> g, y;
    DeferredGradientPack<kPackWidth<T>> due;
    Winners<T, ALIGNED, const std::uint8_t> winner;

    template <class Take>
    __device__ __forceinline__ void operator()(std::uint32_t row, const Take& take) const {
      PackOf<T> sum{};
      geometry.for_each_window(geometry.input_place(row), [&](std::uint32_t pixel, std::int32_t,
                                                              std::int32_t, std::int32_t tap) {
        add_won(sum, due.applied(g.load(pixel), y.load(pixel)),
                winner.load(pixel).differences(tap));
      });
      take(GradientTile<T, 1>{{row}, {sum}});
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {geometry, g.at(channels), y.at(channels),
            DeferredGradientPack<kPackWidth<T>>(due, channels), winner.at(channels)};
  }
};

/// The same for windows of 3x3, stride 2 and padding 1 on even extents. Rows are tiles of 2x2
/// pixels: tile (i, j) is covered by the windows from (i, j) to (i + 1, j + 1), each of which is
/// loaded once.
template <class T, bool ALIGNED>
struct MaxTileSource {
  using Channels = ChannelPack<T, ALIGNED>;
  static constexpr int kBlocksToFit = 1;  // three windows, all their vectors and those of x
  PoolGeometry geometry;
  ConstColumns<T, ALIGNED> g;
  ConstColumns<T, ALIGNED> y;
  DeferredGradientVectors due;
  Winners<T, ALIGNED, const std::uint8_t> winner;

  struct Column {
    const PoolGeometry& geometry;
    ConstColumns<T, ALIGNED> g, y;
    DeferredGradientPack<kPackWidth<T>> due;
    Winners<T, ALIGNED, const std::uint8_t> winner;

    template <class Take>
    __device__ __forceinline__ void operator()(std::uint32_t row, const Take& take) const {
      std::uint32_t pixel[4];
      geometry.template tile_pixels<2>(row, pixel);
      PackOf<T> gradient[4];
      TapBytes<kPackWidth<T>> taps[4];
      // A pixel has all its windows once the one that is as far down and right as itself is loaded.
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        load_window(row, k / 2, k % 2, gradient[k], taps[k]);
        GradientTile<T, 1> tile{{pixel[k]}, {}};
#pragma unroll
        for (int window = 0; window <= k; ++window) {
          const int r = k / 2 + 1 - window / 2 * 2;
          const int s = k % 2 + 1 - window % 2 * 2;
          if (r >= 0 && s >= 0) {
            add_won(tile.gradient[0], gradient[window], taps[window].differences(r * 3 + s));
          }
        }
        take(tile);
      }
    }
    // Where there is no such window, no tap has won.
    __device__ __forceinline__ void load_window(std::uint32_t row, int down, int right,
                                                PackOf<T>& gradient,
                                                TapBytes<kPackWidth<T>>& taps) const {
      const PixelPlace at = geometry.output_place(row);
      const auto columns = geometry.horizontal.output.value();
      const bool there =
          at.row + down < static_cast<std::int32_t>(geometry.vertical.output.value()) &&
          at.column + right < static_cast<std::int32_t>(columns);
      const std::uint32_t window = there ? row + static_cast<std::uint32_t>(down) * columns +
                                               static_cast<std::uint32_t>(right)
                                         : row;
      gradient = due.applied(g.load(window), y.load(window));
      taps = winner.load(window).or_none(there);
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {geometry, g.at(channels), y.at(channels),
            DeferredGradientPack<kPackWidth<T>>(due, channels), winner.at(channels)};
  }
};

}  // namespace accrete::kernels::cuda
