// SPDX-License-Identifier: Apache-2.0
// Max pooling. Floor: forward reads x once (overlapping windows hit in cache) and writes y and one
// byte; backward gathers: grad_y and winners read, grad_x written, no atomics.
#include "cuda/column_walk.cuh"
#include "cuda/max_pool_winners.cuh"
#include "cuda/pool.h"
#include "cuda/pool_windows.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

template <class T, bool ALIGNED>
struct MaxPoolForward {
  using Channels = ChannelPack<T, ALIGNED>;
  PoolGeometry geometry;
  ConstColumns<T, ALIGNED> x;
  Columns<T, ALIGNED> y;
  Winners<T, ALIGNED, std::uint8_t> winner;

  struct Column {
    const PoolGeometry& geometry;
    ConstColumns<T, ALIGNED> x;
    Columns<T, ALIGNED> y;
    Winners<T, ALIGNED, std::uint8_t> winner;

    __device__ __forceinline__ void operator()(std::uint32_t row) const {
      const PixelPlace at = geometry.output_place(row);
      // The first tap wins against minus infinity even if it is that itself.
      const std::int32_t first = geometry.first_tap(at);
      PackOf<T> best;
      std::int32_t index[kPackWidth<T>];
#pragma unroll
      for (int i = 0; i < kPackWidth<T>; ++i) {
        best.v[i] = -INFINITY;
        index[i] = first;
      }
      geometry.for_each_tap(at, [&](std::uint32_t pixel, std::int32_t tap) {
        const PackOf<T> value = x.load(pixel);
#pragma unroll
        for (int i = 0; i < kPackWidth<T>; ++i) {
          // "Not less or equal" holds for the first NaN, and no longer once the best is NaN.
          const bool had_nan = best.v[i] != best.v[i];
          if (!had_nan && !(value.v[i] <= best.v[i])) {
            best.v[i] = value.v[i];
            index[i] = tap;
          }
        }
      });
      y.store(row, best);
      TapBytes<kPackWidth<T>> taps;
#pragma unroll
      for (int i = 0; i < kPackWidth<T>; ++i) {
        taps.put(i, static_cast<std::uint32_t>(index[i]));
      }
      winner.store(row, taps);
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {geometry, x.at(channels), y.at(channels), winner.at(channels)};
  }
};

template <class T, bool ALIGNED>
struct MaxPoolBackward {
  using Channels = ChannelPack<T, ALIGNED>;
  PoolGeometry geometry;
  ConstColumns<T, ALIGNED> grad_y;
  Winners<T, ALIGNED, const std::uint8_t> winner;
  Columns<T, ALIGNED> grad_x;
  bool accumulate;

  struct Column {
    const PoolGeometry& geometry;
    ConstColumns<T, ALIGNED> grad_y;
    Winners<T, ALIGNED, const std::uint8_t> winner;
    Columns<T, ALIGNED> grad_x;
    bool accumulate;

    __device__ __forceinline__ void operator()(std::uint32_t row) const {
      PackOf<T> sum{};
      geometry.for_each_window(geometry.input_place(row), [&](std::uint32_t pixel, std::int32_t,
                                                              std::int32_t, std::int32_t tap) {
        const TapBytes<kPackWidth<T>> others = winner.load(pixel).differences(tap);
        const PackOf<T> gradient = grad_y.load(pixel);
#pragma unroll
        for (int i = 0; i < kPackWidth<T>; ++i) {
          sum.v[i] += others.is_zero(i) ? gradient.v[i] : 0.0F;
        }
      });
      if (accumulate) {
        add_to(sum, grad_x.load(row));
      }
      grad_x.store(row, sum);
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {geometry, grad_y.at(channels), winner.at(channels), grad_x.at(channels), accumulate};
  }
};

}  // namespace

void max_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                      TensorView y, TensorView winner) {
  const bool packs = packs_fit(x) && packs_fit(y) && winners_fit(winner);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    const MaxPoolForward<T, ALIGNED> body{PoolGeometry(problem),
                                          ConstColumns<T, ALIGNED>(x),
                                          Columns<T, ALIGNED>(y),
                                          {winner.u8(), problem.C}};
    launch_rows(stream, "max_pool_forward", body, y.shape.pixels(), problem.C);
  });
}

void max_pool_backward(const Stream& stream, const PoolProblem& problem, ConstTensorView grad_y,
                       ConstTensorView winner, TensorView grad_x, GradMode mode) {
  const bool packs = packs_fit(grad_y) && packs_fit(grad_x) && winners_fit(winner);
  with_columns(grad_y.dtype, packs, [&]<class T, bool ALIGNED>() {
    const MaxPoolBackward<T, ALIGNED> body{PoolGeometry(problem),
                                           ConstColumns<T, ALIGNED>(grad_y),
                                           {winner.u8(), problem.C},
                                           Columns<T, ALIGNED>(grad_x),
                                           mode == GradMode::accumulate};
    launch_rows(stream, "max_pool_backward", body, grad_x.shape.pixels(), problem.C);
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
