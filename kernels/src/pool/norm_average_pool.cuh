// SPDX-License-Identifier: Apache-2.0
// Average pools of a tensor that is normalised on load, as column bodies (column_walk.cuh) and
// sources of gradients (norm_gradient.cuh). Forward walks down the pooled tensor; backward down x,
// or down the windows where they are tiles of x.
#pragma once

#include "cuda/norm_gradient.cuh"
#include "pool/pool_windows.cuh"

namespace accrete::kernels::cuda {

/// Whether windows of WINDOW x WINDOW cover every pixel once.
inline bool tiles_image(const PoolProblem& problem, std::int64_t window) {
  return problem.R == window && problem.S == window && problem.stride_h == window &&
         problem.stride_w == window && problem.pad_h == 0 && problem.pad_w == 0 &&
         problem.H % window == 0 && problem.W % window == 0;
}

/// y = average of NormRelu(x) over the window. WINDOW: tiles of the image, or 0 for windows of any
/// kind.
template <class T, bool ALIGNED, int WINDOW>
struct AverageForward {
  using Channels = ChannelPack<T, ALIGNED>;
  PoolGeometry geometry;
  ConstColumns<T, ALIGNED> x;
  NormVectors norm;
  Columns<T, ALIGNED> y;

  struct Column {
    const PoolGeometry& geometry;
    ConstColumns<T, ALIGNED> x;
    NormPack<kPackWidth<T>> norm;
    Columns<T, ALIGNED> y;

    __device__ __forceinline__ void operator()(std::uint32_t row) const {
      if constexpr (WINDOW > 0) {
        y.store(row, scaled(tile_sum(row), 1.0F / (WINDOW * WINDOW)));
      } else {
        const PixelPlace at = geometry.output_place(row);
        PackOf<T> sum{};
        geometry.for_each_tap(at, [&](std::uint32_t pixel, std::int32_t /*tap*/) {
          add_to(sum, norm.norm_relu(x.load(pixel)));
        });
        y.store(row, scaled(sum, geometry.share(at.row, at.column)));
      }
    }
    __device__ __forceinline__ PackOf<T> tile_sum(std::uint32_t tile) const {
      std::uint32_t pixel[WINDOW * WINDOW];
      geometry.template tile_pixels<WINDOW>(tile, pixel);
      PackOf<T> sum = norm.norm_relu(x.load(pixel[0]));
#pragma unroll
      for (int i = 1; i < WINDOW * WINDOW; ++i) {
        add_to(sum, norm.norm_relu(x.load(pixel[i])));
      }
      return sum;
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {geometry, x.at(channels), NormPack<kPackWidth<T>>(norm, channels), y.at(channels)};
  }
};

/// grad_y / WINDOW^2 for all pixels of a window. Rows are windows, tiles of the image.
template <class T, bool ALIGNED, int WINDOW>
struct TileSource {
  using Channels = ChannelPack<T, ALIGNED>;
  PoolGeometry geometry;
  ConstColumns<T, ALIGNED> grad_y;

  struct Column {
    const PoolGeometry& geometry;
    ConstColumns<T, ALIGNED> grad_y;
    template <class Take>
    __device__ __forceinline__ void operator()(std::uint32_t row, const Take& take) const {
      constexpr int kPixels = WINDOW * WINDOW;
      GradientTile<T, kPixels> tile;
      geometry.template tile_pixels<WINDOW>(row, tile.pixel);
      const PackOf<T> gradient = scaled(grad_y.load(row), 1.0F / kPixels);
#pragma unroll
      for (int i = 0; i < kPixels; ++i) {
        tile.gradient[i] = gradient;
      }
      take(tile);
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {geometry, grad_y.at(channels)};
  }
};

/// The shares of grad_y of all windows that cover a pixel.
template <class T, bool ALIGNED>
struct AverageSource {
  using Channels = ChannelPack<T, ALIGNED>;
  PoolGeometry geometry;
  ConstColumns<T, ALIGNED> grad_y;

  struct Column {
    const PoolGeometry& geometry;
    ConstColumns<T, ALIGNED> grad_y;
    template <class Take>
    __device__ __forceinline__ void operator()(std::uint32_t row, const Take& take) const {
      PackOf<T> sum{};
      geometry.for_each_window(geometry.input_place(row), [&](std::uint32_t pixel, std::int32_t p,
                                                              std::int32_t q, std::int32_t) {
        add_scaled(sum, grad_y.load(pixel), geometry.share(p, q));
      });
      take(GradientTile<T, 1>{{row}, {sum}});
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {geometry, grad_y.at(channels)};
  }
};

/// Computes  y[n,c] = 1 / (H W) * sum over h, w of max(0, x[n,h,w,c] * scale[c] + shift[c]), with
///           scale and shift of NormRelu, summed in f32.
/// Operands  x [N,H,W,C] and y [N,1,1,C] of T, any pitches; norm: four f32 [C]; walked: N H W rows
///           in chunks of H W, the images.
/// Grid      x: 128 bytes of channels; y: the image n, so that N is at most 65535 (check_launch).
/// Threads   (8, 32), see ColumnWalk: the 32 rows go through the image by 32 pixels; the sums of
///           its lanes and warps are added in the order of column_sum.
/// Shared    static: 1 KiB (f32) or 2 KiB (bf16), a row of channels for each of the eight warps.
/// Limits    for_each_row's; ALIGNED: packs_fit(x) and vectors_fit(norm), while y is stored element
///           by element.
/// Work      x read once, y written once; 4 FLOP per element of x.
template <class T, bool ALIGNED>
__global__ void __launch_bounds__(kColumnThreads, 2)
    global_average(ConstColumns<T, ALIGNED> x, NormVectors norm, Rows<T> y, WalkedRows walked) {
  using Channels = ChannelPack<T, ALIGNED>;
  ACCRETE_SHARED_ARRAY(ColumnScratch<Channels::kWidth>, scratch, [1]);
  const ColumnWalk<Channels> walk(walked);
  const NormPack<Channels::kWidth> pack(norm, walk.channels);
  const ConstColumns<T, ALIGNED> column = x.at(walk.channels);
  PackOf<T> sum{};
  for (std::uint32_t row = walk.first; row < walk.end; row += kColumnRows) {
    add_to(sum, pack.norm_relu(column.load(row)));
  }
  const float total = column_sum<Channels::kWidth>(scratch[0], sum);
  const std::int64_t channel = walk.block_channel() + block_thread();
  if (block_thread() < Channels::kOfBlock && channel < walked.channels) {
    *y.at(blockIdx.y, channel) = from_float<T>(total / static_cast<float>(walked.rows_per_chunk));
  }
}

/// grad_y / pixels.
template <class T, bool ALIGNED>
struct GlobalAverageSource {
  using Channels = ChannelPack<T, ALIGNED>;
  ConstColumns<T, ALIGNED> grad_y;
  Divisor pixels;
  float share;

  __device__ __forceinline__ GlobalAverageSource column(const Channels& channels) const {
    return {grad_y.at(channels), pixels, share};
  }
  template <class Take>
  __device__ __forceinline__ void operator()(std::uint32_t row, const Take& take) const {
    take(GradientTile<T, 1>{{row}, {scaled(grad_y.load(pixels.divide(row)), share)}});
  }
};

}  // namespace accrete::kernels::cuda
