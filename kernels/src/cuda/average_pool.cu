// SPDX-License-Identifier: Apache-2.0
// Average and global average pooling. Floor: the larger tensor moved once, the smaller one once.
#include "cuda/column_walk.cuh"
#include "cuda/pool.h"
#include "cuda/pool_windows.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

template <class T, bool ALIGNED>
struct AveragePoolForward {
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
struct AveragePoolBackward {
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
struct GlobalAverageForward {
  using Channels = ChannelPack<T, ALIGNED>;
  ConstColumns<T, ALIGNED> x;
  Columns<T, ALIGNED> y;
  std::uint32_t pixels;  // of one image

  __device__ __forceinline__ GlobalAverageForward column(const Channels& channels) const {
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
struct GlobalAverageBackward {
  using Channels = ChannelPack<T, ALIGNED>;
  ConstColumns<T, ALIGNED> grad_y;
  Columns<T, ALIGNED> grad_x;
  Divisor pixels;  // of one image
  float share;
  bool accumulate;

  __device__ __forceinline__ GlobalAverageBackward column(const Channels& channels) const {
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

}  // namespace

void average_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                          TensorView y) {
  with_columns(x.dtype, packs_fit(x) && packs_fit(y), [&]<class T, bool ALIGNED>() {
    const AveragePoolForward<T, ALIGNED> body{PoolGeometry(problem), ConstColumns<T, ALIGNED>(x),
                                              Columns<T, ALIGNED>(y)};
    launch_rows(stream, "average_pool_forward", body, y.shape.pixels(), problem.C);
  });
}

void average_pool_backward(const Stream& stream, const PoolProblem& problem, ConstTensorView grad_y,
                           TensorView grad_x, GradMode mode) {
  const bool packs = packs_fit(grad_y) && packs_fit(grad_x);
  with_columns(grad_y.dtype, packs, [&]<class T, bool ALIGNED>() {
    const AveragePoolBackward<T, ALIGNED> body{
        PoolGeometry(problem), ConstColumns<T, ALIGNED>(grad_y), Columns<T, ALIGNED>(grad_x),
        mode == GradMode::accumulate};
    launch_rows(stream, "average_pool_backward", body, grad_x.shape.pixels(), problem.C);
  });
}

void global_average_pool_forward(const Stream& stream, ConstTensorView x, TensorView y) {
  with_columns(x.dtype, packs_fit(x) && packs_fit(y), [&]<class T, bool ALIGNED>() {
    const GlobalAverageForward<T, ALIGNED> body{ConstColumns<T, ALIGNED>(x), Columns<T, ALIGNED>(y),
                                                static_cast<std::uint32_t>(x.shape.h * x.shape.w)};
    launch_rows(stream, "global_average_pool_forward", body, x.shape.n, x.shape.c);
  });
}

void global_average_pool_backward(const Stream& stream, ConstTensorView grad_y, TensorView grad_x,
                                  GradMode mode) {
  const bool packs = packs_fit(grad_y) && packs_fit(grad_x);
  with_columns(grad_y.dtype, packs, [&]<class T, bool ALIGNED>() {
    const std::int64_t pixels = grad_x.shape.h * grad_x.shape.w;
    const GlobalAverageBackward<T, ALIGNED> body{
        ConstColumns<T, ALIGNED>(grad_y), Columns<T, ALIGNED>(grad_x), Divisor(pixels),
        1.0F / static_cast<float>(pixels), mode == GradMode::accumulate};
    launch_rows(stream, "global_average_pool_backward", body, grad_x.shape.pixels(),
                grad_x.shape.c);
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
