// SPDX-License-Identifier: Apache-2.0
// Average and global average pooling. Floor: the larger tensor moved once, the smaller one once.
#include "cuda/pool.h"
#include "cuda/pool_windows.cuh"
#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

template <int V>
__device__ __forceinline__ void add_scaled(Pack<V>& sum, const Pack<V>& value, float scale) {
#pragma unroll
  for (int i = 0; i < V; ++i) {
    sum.v[i] += value.v[i] * scale;
  }
}

template <int V>
__device__ __forceinline__ Pack<V> zeros() {
  Pack<V> pack;
#pragma unroll
  for (int i = 0; i < V; ++i) {
    pack.v[i] = 0.0F;
  }
  return pack;
}

template <class T, int V>
struct AveragePoolForward {
  static constexpr int kWidth = V;
  PoolGeometry geometry;
  ConstRows<T> x;
  Rows<T> y;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    const auto q = static_cast<std::int32_t>(row % geometry.horizontal.output);
    const std::int64_t line = row / geometry.horizontal.output;
    const auto p = static_cast<std::int32_t>(line % geometry.vertical.output);
    const std::int64_t n = line / geometry.vertical.output;
    const Span r_taps = geometry.vertical.taps(p);
    const Span s_taps = geometry.horizontal.taps(q);
    Pack<V> sum = zeros<V>();
    for (std::int32_t r = r_taps.begin; r < r_taps.end; ++r) {
      const std::int64_t h = p * geometry.vertical.stride - geometry.vertical.pad + r;
      for (std::int32_t s = s_taps.begin; s < s_taps.end; ++s) {
        const std::int64_t w = q * geometry.horizontal.stride - geometry.horizontal.pad + s;
        const std::int64_t pixel =
            (n * geometry.vertical.input + h) * geometry.horizontal.input + w;
        add_scaled(sum, load_pack<T, V>(x.at(pixel, c)), 1.0F);
      }
    }
    Pack<V> mean = zeros<V>();
    add_scaled(mean, sum, 1.0F / geometry.taps_counted(r_taps, s_taps));
    store_pack<T, V>(y.at(row, c), mean);
  }
};

template <class T, int V>
struct AveragePoolBackward {
  static constexpr int kWidth = V;
  PoolGeometry geometry;
  ConstRows<T> grad_y;
  Rows<T> grad_x;
  bool accumulate;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    const auto w = static_cast<std::int32_t>(row % geometry.horizontal.input);
    const std::int64_t line = row / geometry.horizontal.input;
    const auto h = static_cast<std::int32_t>(line % geometry.vertical.input);
    const std::int64_t n = line / geometry.vertical.input;
    const Span p_windows = geometry.vertical.windows(h);
    const Span q_windows = geometry.horizontal.windows(w);
    Pack<V> sum = accumulate ? load_pack<T, V>(grad_x.at(row, c)) : zeros<V>();
    for (std::int32_t p = p_windows.begin; p < p_windows.end; ++p) {
      for (std::int32_t q = q_windows.begin; q < q_windows.end; ++q) {
        const std::int64_t pixel =
            (n * geometry.vertical.output + p) * geometry.horizontal.output + q;
        const float taps =
            geometry.taps_counted(geometry.vertical.taps(p), geometry.horizontal.taps(q));
        add_scaled(sum, load_pack<T, V>(grad_y.at(pixel, c)), 1.0F / taps);
      }
    }
    store_pack<T, V>(grad_x.at(row, c), sum);
  }
};

template <class T, int V>
struct GlobalAverageForward {
  static constexpr int kWidth = V;
  ConstRows<T> x;
  Rows<T> y;
  std::int64_t pixels;  // of one image

  __device__ void operator()(std::int64_t n, std::int64_t c) const {
    Pack<V> sum = zeros<V>();
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      add_scaled(sum, load_pack<T, V>(x.at(n * pixels + pixel, c)), 1.0F);
    }
    Pack<V> mean = zeros<V>();
    add_scaled(mean, sum, 1.0F / static_cast<float>(pixels));
    store_pack<T, V>(y.at(n, c), mean);
  }
};

template <class T, int V>
struct GlobalAverageBackward {
  static constexpr int kWidth = V;
  ConstRows<T> grad_y;
  Rows<T> grad_x;
  std::int64_t pixels;
  bool accumulate;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    Pack<V> sum = accumulate ? load_pack<T, V>(grad_x.at(row, c)) : zeros<V>();
    add_scaled(sum, load_pack<T, V>(grad_y.at(row / pixels, c)), 1.0F / static_cast<float>(pixels));
    store_pack<T, V>(grad_x.at(row, c), sum);
  }
};

}  // namespace

void average_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                          TensorView y) {
  with_packs(x.dtype, packs_fit(x) && packs_fit(y), [&]<class T, int V>() {
    const AveragePoolForward<T, V> body{PoolGeometry(problem), ConstRows<T>(x), Rows<T>(y)};
    launch_packs(stream, "average_pool_forward", body, y.shape.pixels(), problem.C);
  });
}

void average_pool_backward(const Stream& stream, const PoolProblem& problem, ConstTensorView grad_y,
                           TensorView grad_x, GradMode mode) {
  const bool packs = packs_fit(grad_y) && packs_fit(grad_x);
  with_packs(grad_y.dtype, packs, [&]<class T, int V>() {
    const AveragePoolBackward<T, V> body{PoolGeometry(problem), ConstRows<T>(grad_y),
                                         Rows<T>(grad_x), mode == GradMode::accumulate};
    launch_packs(stream, "average_pool_backward", body, grad_x.shape.pixels(), problem.C);
  });
}

void global_average_pool_forward(const Stream& stream, ConstTensorView x, TensorView y) {
  with_packs(x.dtype, packs_fit(x) && packs_fit(y), [&]<class T, int V>() {
    const GlobalAverageForward<T, V> body{ConstRows<T>(x), Rows<T>(y), x.shape.h * x.shape.w};
    launch_packs(stream, "global_average_pool_forward", body, x.shape.n, x.shape.c);
  });
}

void global_average_pool_backward(const Stream& stream, ConstTensorView grad_y, TensorView grad_x,
                                  GradMode mode) {
  const bool packs = packs_fit(grad_y) && packs_fit(grad_x);
  with_packs(grad_y.dtype, packs, [&]<class T, int V>() {
    const GlobalAverageBackward<T, V> body{ConstRows<T>(grad_y), Rows<T>(grad_x),
                                           grad_x.shape.h * grad_x.shape.w,
                                           mode == GradMode::accumulate};
    launch_packs(stream, "global_average_pool_backward", body, grad_x.shape.pixels(),
                 grad_x.shape.c);
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
