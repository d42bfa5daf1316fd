// SPDX-License-Identifier: Apache-2.0
// Pooling of tensors that are normalised on load. Floor: x read once, the pooled tensor written
// once; backward x and the pooled gradient read once, g written once (read too when accumulating).
// Threads walk down pixels of the pooled tensor, backward down those of x or tiles of them.
#include "cuda/max_pool_keys.cuh"
#include "cuda/max_pool_winners.cuh"
#include "cuda/moments.cuh"
#include "cuda/norm_gradient.cuh"
#include "cuda/norm_relu.h"
#include "cuda/pool_windows.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

// Whether windows of WINDOW x WINDOW cover every pixel once.
bool tiles_image(const PoolProblem& problem, std::int64_t window) {
  return problem.R == window && problem.S == window && problem.stride_h == window &&
         problem.stride_w == window && problem.pad_h == 0 && problem.pad_w == 0 &&
         problem.H % window == 0 && problem.W % window == 0;
}

// Whether windows are 3x3 and every second pixel is the middle of one.
bool halves_image(const PoolProblem& problem) {
  return problem.R == 3 && problem.S == 3 && problem.stride_h == 2 && problem.stride_w == 2 &&
         problem.pad_h == 1 && problem.pad_w == 1 && problem.H % 2 == 0 && problem.W % 2 == 0;
}

// The pixels of tile number `tile` of WINDOW x WINDOW.
template <int WINDOW>
__device__ __forceinline__ void tile_pixels(const PoolGeometry& geometry, std::uint32_t tile,
                                            std::uint32_t (&pixel)[WINDOW * WINDOW]) {
  const PixelPlace at = geometry.output_place(tile);
  const std::uint32_t first = geometry.input_pixel(at.image, at.row * WINDOW, at.column * WINDOW);
#pragma unroll
  for (int i = 0; i < WINDOW * WINDOW; ++i) {
    pixel[i] = first + i / WINDOW * geometry.horizontal.input.value() + i % WINDOW;
  }
}

// WINDOW: tiles of the image, or 0 for windows of any kind.
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
      tile_pixels<WINDOW>(geometry, tile, pixel);
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

// Rows are tiles of WINDOW x WINDOW.
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
      tile_pixels<WINDOW>(geometry, row, tile.pixel);
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

// A chunk of rows for every image.
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

// WINDOW x WINDOW taps, or any for 0. Returns what is stored.
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

// Adds the gradients of the channels whose window was won by the tap that has no difference.
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

template <class T, bool ALIGNED>
struct MaxSource {
  using Channels = ChannelPack<T, ALIGNED>;
  PoolGeometry geometry;
  ConstColumns<T, ALIGNED> g;
  ConstColumns<T, ALIGNED> y;
  DeferredVectors due;
  Winners<T, ALIGNED, const std::uint8_t> winner;

  struct Column {
    const PoolGeometry& geometry;
    ConstColumns<T, ALIGNED> g, y;
    DeferredPack<kPackWidth<T>> due;
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
    return {geometry, g.at(channels), y.at(channels), DeferredPack<kPackWidth<T>>(due, channels),
            winner.at(channels)};
  }
};

// Windows of 3x3, stride 2 and padding 1 on even extents. Rows are tiles of 2x2 pixels: tile (i, j)
// is covered by the windows from (i, j) to (i + 1, j + 1), each of which is loaded once.
template <class T, bool ALIGNED>
struct MaxTileSource {
  using Channels = ChannelPack<T, ALIGNED>;
  static constexpr int kBlocksToFit = 1;  // three windows, all their vectors and those of x
  PoolGeometry geometry;
  ConstColumns<T, ALIGNED> g;
  ConstColumns<T, ALIGNED> y;
  DeferredVectors due;
  Winners<T, ALIGNED, const std::uint8_t> winner;

  struct Column {
    const PoolGeometry& geometry;
    ConstColumns<T, ALIGNED> g, y;
    DeferredPack<kPackWidth<T>> due;
    Winners<T, ALIGNED, const std::uint8_t> winner;

    template <class Take>
    __device__ __forceinline__ void operator()(std::uint32_t row, const Take& take) const {
      std::uint32_t pixel[4];
      tile_pixels<2>(geometry, row, pixel);
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
      const std::uint32_t window = there ? row + down * columns + right : row;
      gradient = due.applied(g.load(window), y.load(window));
      taps = winner.load(window).or_none(there);
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {geometry, g.at(channels), y.at(channels), DeferredPack<kPackWidth<T>>(due, channels),
            winner.at(channels)};
  }
};

}  // namespace

void norm_relu_average_pool_forward(const Stream& stream, const PoolProblem& problem,
                                    ConstTensorView x, const NormRelu& norm, TensorView y) {
  const auto launch_for = [&]<class T, bool ALIGNED, int WINDOW>() {
    const AverageForward<T, ALIGNED, WINDOW> body{PoolGeometry(problem),
                                                  ConstColumns<T, ALIGNED>(x), NormVectors(norm),
                                                  Columns<T, ALIGNED>(y)};
    launch_rows(stream, "norm_relu_average_pool_forward", body, y.shape.pixels(), y.shape.c);
  };
  const bool packs = packs_fit(x) && packs_fit(y) && vectors_fit(norm);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    tiles_image(problem, 2) ? launch_for.template operator()<T, ALIGNED, 2>()
                            : launch_for.template operator()<T, ALIGNED, 0>();
  });
}

void norm_relu_average_pool_backward(const Stream& stream, const PoolProblem& problem,
                                     ConstTensorView grad_y, ConstTensorView x,
                                     const NormRelu& norm, const NormReluGradient& out,
                                     Workspace workspace) {
  constexpr const char* kOp = "norm_relu_average_pool_backward";
  const bool packs = packs_fit(x, norm, out) && packs_fit(grad_y);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    const PoolGeometry geometry(problem);
    const ConstColumns<T, ALIGNED> gradient(grad_y);
    if (tiles_image(problem, 2)) {
      launch_norm_gradient<T, ALIGNED>(stream, kOp, TileSource<T, ALIGNED, 2>{geometry, gradient},
                                       grad_y.shape.pixels(), x, norm, out, workspace);
    } else {
      launch_norm_gradient<T, ALIGNED>(stream, kOp, AverageSource<T, ALIGNED>{geometry, gradient},
                                       x.shape.pixels(), x, norm, out, workspace);
    }
  });
}

void norm_relu_global_average_pool_forward(const Stream& stream, ConstTensorView x,
                                           const NormRelu& norm, TensorView y) {
  with_columns(x.dtype, packs_fit(x) && vectors_fit(norm), [&]<class T, bool ALIGNED>() {
    const RowChunks images{x.shape.h * x.shape.w, x.shape.n};
    launch(stream, "norm_relu_global_average_pool_forward", &global_average<T, ALIGNED>,
           column_shape<ChannelPack<T, ALIGNED>>(images, x.shape.c), ConstColumns<T, ALIGNED>(x),
           NormVectors(norm), Rows<T>(y), walked_rows(x.shape.pixels(), images, x.shape.c));
  });
}

void norm_relu_global_average_pool_backward(const Stream& stream, ConstTensorView grad_y,
                                            ConstTensorView x, const NormRelu& norm,
                                            const NormReluGradient& out, Workspace workspace) {
  const bool packs = packs_fit(x, norm, out) && packs_fit(grad_y);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    const std::int64_t pixels = x.shape.h * x.shape.w;
    const GlobalAverageSource<T, ALIGNED> source{ConstColumns<T, ALIGNED>(grad_y), Divisor(pixels),
                                                 1.0F / static_cast<float>(pixels)};
    launch_norm_gradient<T, ALIGNED>(stream, "norm_relu_global_average_pool_backward", source,
                                     x.shape.pixels(), x, norm, out, workspace);
  });
}

void norm_relu_max_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                                const NormRelu& norm, TensorView y, TensorView winner,
                                const StatisticsOutput& statistics, Workspace workspace) {
  constexpr const char* kOp = "norm_relu_max_pool_forward";
  const auto launch_for = [&]<class T, bool ALIGNED, int WINDOW>() {
    const MaxForward<T, ALIGNED, WINDOW> body{PoolGeometry(problem),
                                              ConstColumns<T, ALIGNED>(x),
                                              NormVectors(norm),
                                              Columns<T, ALIGNED>(y),
                                              {winner.u8(), problem.C}};
    if (statistics) {
      // The workspace is that of x, and padding can make y the larger one.
      launch_moments_of(stream, kOp, body, y.shape, row_chunks(x.shape.pixels()).count,
                        StatisticsSink(statistics), workspace);
    } else {
      launch_rows(stream, kOp, body, y.shape.pixels(), y.shape.c);
    }
  };
  const bool packs = packs_fit(x) && packs_fit(y) && vectors_fit(norm) && winners_fit(winner);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    if constexpr (ALIGNED) {
      if (problem.R == 3 && problem.S == 3) {
        return launch_for.template operator()<T, ALIGNED, 3>();
      }
    }
    launch_for.template operator()<T, ALIGNED, 0>();
  });
}

void norm_relu_max_pool_backward(const Stream& stream, const PoolProblem& problem,
                                 const DeferredGradient& grad_y, ConstTensorView winner,
                                 ConstTensorView x, const NormRelu& norm,
                                 const NormReluGradient& out, Workspace workspace) {
  const ConstTensorView& y = companion(grad_y);
  const bool packs = packs_fit(x, norm, out) && packs_fit(grad_y.g) && packs_fit(y) &&
                     vectors_fit(grad_y) && winners_fit(winner);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    const auto launch_from = [&]<class Source>(std::int64_t rows) {
      const Source source{PoolGeometry(problem),
                          ConstColumns<T, ALIGNED>(grad_y.g),
                          ConstColumns<T, ALIGNED>(y),
                          DeferredVectors(grad_y),
                          {winner.u8(), problem.C}};
      launch_norm_gradient<T, ALIGNED>(stream, "norm_relu_max_pool_backward", source, rows, x, norm,
                                       out, workspace);
    };
    if (halves_image(problem)) {
      launch_from.template operator()<MaxTileSource<T, ALIGNED>>(winner.shape.pixels());
    } else {
      launch_from.template operator()<MaxSource<T, ALIGNED>>(x.shape.pixels());
    }
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
