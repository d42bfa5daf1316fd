// SPDX-License-Identifier: Apache-2.0
// Average and global average pooling. Floor: the larger tensor moved once, the smaller one once.
#include "accrete/kernels/pool.h"
#include "pool/norm_average_pool.cuh"

namespace accrete::kernels::cuda {
namespace {

template <class T, bool ALIGNED>
struct PlainAverageForward {
  using Channels = ChannelPack<T, ALIGNED>;
  PoolGeometry geometry;
  ConstColumns<T, ALIGNED> x;
  Columns<T, ALIGNED> y;

  struct Column {
    const PoolGeometry& geometry;
    ConstColumns<T, ALIGNED> x;
    Columns<T, ALIGNED> y;
    __device__ __forceinline__ void operator()(std::uint32_t row) const {
      const PixelPlace at = geometry.output_place(row);
      PackOf<T> sum{};
      geometry.for_each_tap(
          at, [&](std::uint32_t pixel, std::int32_t /*tap*/) { add_to(sum, x.load(pixel)); });
      y.store(row, scaled(sum, geometry.share(at.row, at.column)));
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {geometry, x.at(channels), y.at(channels)};
  }
};

template <class T, bool ALIGNED>
struct PlainAverageBackward {
  using Channels = ChannelPack<T, ALIGNED>;
  PoolGeometry geometry;
  ConstColumns<T, ALIGNED> grad_y;
  Columns<T, ALIGNED> grad_x;
  bool accumulate;

  struct Column {
    const PoolGeometry& geometry;
    ConstColumns<T, ALIGNED> grad_y;
    Columns<T, ALIGNED> grad_x;
    bool accumulate;
    __device__ __forceinline__ void operator()(std::uint32_t row) const {
      PackOf<T> sum{};
      if (accumulate) {
        sum = grad_x.load(row);
      }
      geometry.for_each_window(geometry.input_place(row), [&](std::uint32_t pixel, std::int32_t p,
                                                              std::int32_t q, std::int32_t) {
        add_scaled(sum, grad_y.load(pixel), geometry.share(p, q));
      });
      grad_x.store(row, sum);
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {geometry, grad_y.at(channels), grad_x.at(channels), accumulate};
  }
};

// Rows are images.
template <class T, bool ALIGNED>
struct PlainGlobalAverageForward {
  using Channels = ChannelPack<T, ALIGNED>;
  ConstColumns<T, ALIGNED> x;
  Columns<T, ALIGNED> y;
  std::uint32_t pixels;  // of one image

  __device__ __forceinline__ PlainGlobalAverageForward column(const Channels& channels) const {
    return {x.at(channels), y.at(channels), pixels};
  }
  __device__ __forceinline__ void operator()(std::uint32_t image) const {
    PackOf<T> sum{};
    for (std::uint32_t i = 0; i < pixels; ++i) {
      add_to(sum, x.load(image * pixels + i));
    }
    y.store(image, scaled(sum, 1.0F / static_cast<float>(pixels)));
  }
};

template <class T, bool ALIGNED>
struct PlainGlobalAverageBackward {
  using Channels = ChannelPack<T, ALIGNED>;
  ConstColumns<T, ALIGNED> grad_y;
  Columns<T, ALIGNED> grad_x;
  Divisor pixels;  // of one image
  float share;
  bool accumulate;

  __device__ __forceinline__ PlainGlobalAverageBackward column(const Channels& channels) const {
    return {grad_y.at(channels), grad_x.at(channels), pixels, share, accumulate};
  }
  __device__ __forceinline__ void operator()(std::uint32_t row) const {
    PackOf<T> sum{};
    if (accumulate) {
      sum = grad_x.load(row);
    }
    add_scaled(sum, grad_y.load(pixels.divide(row)), share);
    grad_x.store(row, sum);
  }
};

// Tiles of 2x2 pixels, which transitions have, or windows of any kind.
template <class T, bool ALIGNED, int WINDOW>
void launch_forward(const Stream& stream, const AveragePoolForward& call) {
  const AverageForward<T, ALIGNED, WINDOW> body{
      PoolGeometry(call.problem), ConstColumns<T, ALIGNED>(call.x), NormVectors(call.norm),
      Columns<T, ALIGNED>(call.y)};
  launch_rows(stream, call.kName, body, call.y.shape.pixels(), call.y.shape.c);
}

}  // namespace

const char* run(const Stream& stream, const AveragePoolForward& call,
                const Workspace& /*workspace*/) {
  const bool packs = packs_fit(call.x) && packs_fit(call.y) && vectors_fit(call.norm);
  const bool tiles = call.norm && tiles_image(call.problem, 2);
  with_columns(call.x.dtype, packs, [&]<class T, bool ALIGNED>() {
    if (!call.norm) {
      const PlainAverageForward<T, ALIGNED> body{PoolGeometry(call.problem),
                                                 ConstColumns<T, ALIGNED>(call.x),
                                                 Columns<T, ALIGNED>(call.y)};
      launch_rows(stream, call.kName, body, call.y.shape.pixels(), call.problem.C);
    } else if (tiles) {
      launch_forward<T, ALIGNED, 2>(stream, call);
    } else {
      launch_forward<T, ALIGNED, 0>(stream, call);
    }
  });
  return tiles ? "tiles" : "columns";
}

const char* run(const Stream& stream, const AveragePoolBackward& call, const Workspace& workspace) {
  const ConstTensorView& grad_y = call.grad_y;
  const TensorView& g = call.grad_x.g;
  const PoolGeometry geometry(call.problem);
  const bool tiles = call.norm && tiles_image(call.problem, 2);
  const bool packs = packs_fit(grad_y) && (call.norm ? norm_packs_fit(call) : packs_fit(g));
  with_columns(grad_y.dtype, packs, [&]<class T, bool ALIGNED>() {
    const ConstColumns<T, ALIGNED> gradient(grad_y);
    if (!call.norm) {
      const PlainAverageBackward<T, ALIGNED> body{geometry, gradient, Columns<T, ALIGNED>(g),
                                                  call.grad_x.mode == GradMode::accumulate};
      launch_rows(stream, call.kName, body, g.shape.pixels(), call.problem.C);
    } else if (tiles) {
      launch_norm_gradient<T, ALIGNED>(stream, call, TileSource<T, ALIGNED, 2>{geometry, gradient},
                                       grad_y.shape.pixels(), workspace);
    } else {
      launch_norm_gradient<T, ALIGNED>(stream, call, AverageSource<T, ALIGNED>{geometry, gradient},
                                       g.shape.pixels(), workspace);
    }
  });
  return tiles ? "tiles" : "columns";
}

const char* run(const Stream& stream, const GlobalAveragePoolForward& call,
                const Workspace& /*workspace*/) {
  const ConstTensorView& x = call.x;
  if (!call.norm) {
    with_columns(x.dtype, packs_fit(x) && packs_fit(call.y), [&]<class T, bool ALIGNED>() {
      const PlainGlobalAverageForward<T, ALIGNED> body{
          ConstColumns<T, ALIGNED>(x), Columns<T, ALIGNED>(call.y),
          static_cast<std::uint32_t>(x.shape.h * x.shape.w)};
      launch_rows(stream, call.kName, body, x.shape.n, x.shape.c);
    });
    return "images";
  }
  with_columns(x.dtype, packs_fit(x) && vectors_fit(call.norm), [&]<class T, bool ALIGNED>() {
    const RowChunks images{x.shape.h * x.shape.w, x.shape.n};
    launch(stream, call.kName, &global_average<T, ALIGNED>,
           column_shape<ChannelPack<T, ALIGNED>>(images, x.shape.c), ConstColumns<T, ALIGNED>(x),
           NormVectors(call.norm), Rows<T>(call.y),
           walked_rows(x.shape.pixels(), images, x.shape.c));
  });
  return "columns";
}

const char* run(const Stream& stream, const GlobalAveragePoolBackward& call,
                const Workspace& workspace) {
  const ConstTensorView& grad_y = call.grad_y;
  const TensorView& g = call.grad_x.g;
  const std::int64_t pixels = g.shape.h * g.shape.w;
  const float share = 1.0F / static_cast<float>(pixels);
  const bool packs = packs_fit(grad_y) && (call.norm ? norm_packs_fit(call) : packs_fit(g));
  with_columns(grad_y.dtype, packs, [&]<class T, bool ALIGNED>() {
    const ConstColumns<T, ALIGNED> gradient(grad_y);
    if (call.norm) {
      const GlobalAverageSource<T, ALIGNED> source{gradient, Divisor(pixels), share};
      launch_norm_gradient<T, ALIGNED>(stream, call, source, g.shape.pixels(), workspace);
      return;
    }
    const PlainGlobalAverageBackward<T, ALIGNED> body{gradient, Columns<T, ALIGNED>(g),
                                                      Divisor(pixels), share,
                                                      call.grad_x.mode == GradMode::accumulate};
    launch_rows(stream, call.kName, body, g.shape.pixels(), g.shape.c);
  });
  return "columns";
}

}  // namespace accrete::kernels::cuda
