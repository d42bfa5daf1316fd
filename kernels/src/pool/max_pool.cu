// SPDX-License-Identifier: Apache-2.0
// Max pooling. Floor: forward reads x once (overlapping windows hit in cache) and writes y and one
// byte; backward gathers: grad_y and winners read, grad_x written, no atomics.
#include "accrete/kernels/pool.h"
#include "cuda/moments.cuh"
#include "pool/norm_max_pool.cuh"

namespace accrete::kernels::cuda {
namespace {

template <class T, bool ALIGNED>
struct PlainMaxForward {
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

template <class T, bool ALIGNED, bool DUE>
struct PlainMaxBackward {
  using Channels = ChannelPack<T, ALIGNED>;
  PoolGeometry geometry;
  ConstColumns<T, ALIGNED> g, y;
  DeferredGradientVectors due;
  Winners<T, ALIGNED, const std::uint8_t> winner;
  Columns<T, ALIGNED> grad_x;
  bool accumulate;

  struct Column {
    const PoolGeometry& geometry;
    ConstColumns<T, ALIGNED> g, y;
    DeferredGradientPack<kPackWidth<T>> due;
    Winners<T, ALIGNED, const std::uint8_t> winner;
    Columns<T, ALIGNED> grad_x;
    bool accumulate;

    __device__ __forceinline__ void operator()(std::uint32_t row) const {
      PackOf<T> sum{};
      geometry.for_each_window(geometry.input_place(row), [&](std::uint32_t pixel, std::int32_t,
                                                              std::int32_t, std::int32_t tap) {
        const TapBytes<kPackWidth<T>> others = winner.load(pixel).differences(tap);
        PackOf<T> gradient = g.load(pixel);
        if constexpr (DUE) {
          gradient = due.applied(gradient, y.load(pixel));
        }
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
    return {geometry,
            g.at(channels),
            y.at(channels),
            DeferredGradientPack<kPackWidth<T>>(due, channels),
            winner.at(channels),
            grad_x.at(channels),
            accumulate};
  }
};

void plain_forward(const Stream& stream, const MaxPoolForward& call) {
  const bool packs = packs_fit(call.x) && packs_fit(call.y) && winners_fit(call.winner);
  with_columns(call.x.dtype, packs, [&]<class T, bool ALIGNED>() {
    const PlainMaxForward<T, ALIGNED> body{PoolGeometry(call.problem),
                                           ConstColumns<T, ALIGNED>(call.x),
                                           Columns<T, ALIGNED>(call.y),
                                           {call.winner.u8(), call.problem.C}};
    launch_rows(stream, call.kName, body, call.y.shape.pixels(), call.problem.C);
  });
}

template <class T, bool ALIGNED, int WINDOW>
void launch_forward(const Stream& stream, const MaxPoolForward& call, const Workspace& workspace) {
  const MaxForward<T, ALIGNED, WINDOW> body{PoolGeometry(call.problem),
                                            ConstColumns<T, ALIGNED>(call.x),
                                            NormVectors(call.norm),
                                            Columns<T, ALIGNED>(call.y),
                                            {call.winner.u8(), call.problem.C}};
  if (call.statistics) {
    // The workspace is that of x, and padding can make y the larger one.
    launch_moments_of(stream, call.kName, body, call.y.shape,
                      row_chunks(call.x.shape.pixels()).count, StatisticsSink(call.statistics),
                      workspace);
  } else {
    launch_rows(stream, call.kName, body, call.y.shape.pixels(), call.y.shape.c);
  }
}

template <bool DUE>
void plain_backward(const Stream& stream, const MaxPoolBackward& call) {
  const ConstTensorView& g = call.grad_y.g;
  const ConstTensorView& y = companion(call.grad_y);
  const TensorView& grad_x = call.grad_x.g;
  const bool packs = packs_fit(g) && packs_fit(y) && packs_fit(grad_x) &&
                     vectors_fit(call.grad_y) && winners_fit(call.winner);
  with_columns(g.dtype, packs, [&]<class T, bool ALIGNED>() {
    const PlainMaxBackward<T, ALIGNED, DUE> body{PoolGeometry(call.problem),
                                                 ConstColumns<T, ALIGNED>(g),
                                                 ConstColumns<T, ALIGNED>(y),
                                                 DeferredGradientVectors(call.grad_y),
                                                 {call.winner.u8(), call.problem.C},
                                                 Columns<T, ALIGNED>(grad_x),
                                                 call.grad_x.mode == GradMode::accumulate};
    launch_rows(stream, call.kName, body, grad_x.shape.pixels(), call.problem.C);
  });
}

}  // namespace

const char* run(const Stream& stream, const MaxPoolForward& call, const Workspace& workspace) {
  if (!call.norm) {
    plain_forward(stream, call);
    return "columns";
  }
  const bool packs =
      packs_fit(call.x) && packs_fit(call.y) && vectors_fit(call.norm) && winners_fit(call.winner);
  with_columns(call.x.dtype, packs, [&]<class T, bool ALIGNED>() {
    if constexpr (ALIGNED) {
      if (call.problem.R == 3 && call.problem.S == 3) {
        return launch_forward<T, ALIGNED, 3>(stream, call, workspace);
      }
    }
    launch_forward<T, ALIGNED, 0>(stream, call, workspace);
  });
  return "columns";
}

const char* run(const Stream& stream, const MaxPoolBackward& call, const Workspace& workspace) {
  const DeferredGradient& grad_y = call.grad_y;
  if (!call.norm) {
    grad_y.y ? plain_backward<true>(stream, call) : plain_backward<false>(stream, call);
    return "columns";
  }
  const ConstTensorView& y = companion(grad_y);
  const bool packs = norm_packs_fit(call) && packs_fit(grad_y.g) && packs_fit(y) &&
                     vectors_fit(grad_y) && winners_fit(call.winner);
  with_columns(call.x.dtype, packs, [&]<class T, bool ALIGNED>() {
    const auto launch_from = [&]<class Source>(std::int64_t rows) {
      const Source source{PoolGeometry(call.problem),
                          ConstColumns<T, ALIGNED>(grad_y.g),
                          ConstColumns<T, ALIGNED>(y),
                          DeferredGradientVectors(grad_y),
                          {call.winner.u8(), call.problem.C}};
      launch_norm_gradient<T, ALIGNED>(stream, call, source, rows, workspace);
    };
    if (halves_image(call.problem)) {
      launch_from.template operator()<MaxTileSource<T, ALIGNED>>(call.winner.shape.pixels());
    } else {
      launch_from.template operator()<MaxSource<T, ALIGNED>>(call.x.shape.pixels());
    }
  });
  return halves_image(call.problem) ? "tiles" : "columns";
}

}  // namespace accrete::kernels::cuda
