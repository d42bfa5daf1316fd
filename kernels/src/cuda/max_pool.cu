// SPDX-License-Identifier: Apache-2.0
// Max pooling. Floor: forward reads x once (overlapping windows hit in cache) and writes y and one
// byte; backward gathers: grad_y and winners read, grad_x written, no atomics.
#include "cuda/pool.h"
#include "cuda/pool_windows.cuh"
#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

template <class T, int V>
struct MaxPoolForward {
  static constexpr int kWidth = V;
  PoolGeometry geometry;
  ConstRows<T> x;
  Rows<T> y;
  std::uint8_t* winner;  // may be null
  std::int64_t channels;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    const auto q = static_cast<std::int32_t>(row % geometry.horizontal.output);
    const std::int64_t line = row / geometry.horizontal.output;
    const auto p = static_cast<std::int32_t>(line % geometry.vertical.output);
    const std::int64_t n = line / geometry.vertical.output;
    const Span r_taps = geometry.vertical.taps(p);
    const Span s_taps = geometry.horizontal.taps(q);
    // The first tap wins against minus infinity even if it is that itself.
    Pack<V> best;
    std::uint8_t index[V];
#pragma unroll
    for (int i = 0; i < V; ++i) {
      best.v[i] = -INFINITY;
      index[i] =
          static_cast<std::uint8_t>(r_taps.begin * geometry.horizontal.window + s_taps.begin);
    }
    for (std::int32_t r = r_taps.begin; r < r_taps.end; ++r) {
      const std::int64_t h = p * geometry.vertical.stride - geometry.vertical.pad + r;
      for (std::int32_t s = s_taps.begin; s < s_taps.end; ++s) {
        const std::int64_t w = q * geometry.horizontal.stride - geometry.horizontal.pad + s;
        const std::int64_t pixel =
            (n * geometry.vertical.input + h) * geometry.horizontal.input + w;
        const Pack<V> value = load_pack<T, V>(x.at(pixel, c));
        const auto tap = static_cast<std::uint8_t>(r * geometry.horizontal.window + s);
#pragma unroll
        for (int i = 0; i < V; ++i) {
          // "Not less or equal" holds for the first NaN, and no longer once the best is NaN.
          const bool had_nan = best.v[i] != best.v[i];
          if (!had_nan && !(value.v[i] <= best.v[i])) {
            best.v[i] = value.v[i];
            index[i] = tap;
          }
        }
      }
    }
    store_pack<T, V>(y.at(row, c), best);
    if (winner != nullptr) {
#pragma unroll
      for (int i = 0; i < V; ++i) {
        winner[row * channels + c + i] = index[i];
      }
    }
  }
};

template <class T, int V>
struct MaxPoolBackward {
  static constexpr int kWidth = V;
  PoolGeometry geometry;
  ConstRows<T> grad_y;
  const std::uint8_t* winner;
  Rows<T> grad_x;
  std::int64_t channels;
  bool accumulate;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    const auto w = static_cast<std::int32_t>(row % geometry.horizontal.input);
    const std::int64_t line = row / geometry.horizontal.input;
    const auto h = static_cast<std::int32_t>(line % geometry.vertical.input);
    const std::int64_t n = line / geometry.vertical.input;
    const Span p_windows = geometry.vertical.windows(h);
    const Span q_windows = geometry.horizontal.windows(w);
    Pack<V> sum;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      sum.v[i] = 0.0F;
    }
    for (std::int32_t p = p_windows.begin; p < p_windows.end; ++p) {
      const std::int32_t r = h + geometry.vertical.pad - p * geometry.vertical.stride;
      for (std::int32_t q = q_windows.begin; q < q_windows.end; ++q) {
        const std::int32_t s = w + geometry.horizontal.pad - q * geometry.horizontal.stride;
        const std::int64_t pixel =
            (n * geometry.vertical.output + p) * geometry.horizontal.output + q;
        const std::int32_t tap = r * geometry.horizontal.window + s;
        const Pack<V> gradient = load_pack<T, V>(grad_y.at(pixel, c));
#pragma unroll
        for (int i = 0; i < V; ++i) {
          sum.v[i] += winner[pixel * channels + c + i] == tap ? gradient.v[i] : 0.0F;
        }
      }
    }
    if (accumulate) {
      const Pack<V> before = load_pack<T, V>(grad_x.at(row, c));
#pragma unroll
      for (int i = 0; i < V; ++i) {
        sum.v[i] += before.v[i];
      }
    }
    store_pack<T, V>(grad_x.at(row, c), sum);
  }
};

}  // namespace

void max_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                      TensorView y, TensorView winner) {
  with_packs(x.dtype, packs_fit(x) && packs_fit(y), [&]<class T, int V>() {
    const MaxPoolForward<T, V> body{PoolGeometry(problem), ConstRows<T>(x), Rows<T>(y), winner.u8(),
                                    problem.C};
    launch_packs(stream, "max_pool_forward", body, y.shape.pixels(), problem.C);
  });
}

void max_pool_backward(const Stream& stream, const PoolProblem& problem, ConstTensorView grad_y,
                       ConstTensorView winner, TensorView grad_x, GradMode mode) {
  const bool packs = packs_fit(grad_y) && packs_fit(grad_x);
  with_packs(grad_y.dtype, packs, [&]<class T, int V>() {
    const MaxPoolBackward<T, V> body{
        PoolGeometry(problem),       ConstRows<T>(grad_y), winner.u8(), Rows<T>(grad_x), problem.C,
        mode == GradMode::accumulate};
    launch_packs(stream, "max_pool_backward", body, grad_x.shape.pixels(), problem.C);
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
