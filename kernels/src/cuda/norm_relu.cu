// SPDX-License-Identifier: Apache-2.0
// Statistics, NormRelu and deferred gradients as passes of their own. Floor: every tensor read and
// written once (statistics read x twice, the second time from cache).
#include "cuda/norm_relu.h"

#include "cuda/moments.cuh"
#include "cuda/norm_gradient.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

template <class T, bool ALIGNED>
struct NormReluValues {
  using Channels = ChannelPack<T, ALIGNED>;
  ConstColumns<T, ALIGNED> x;
  NormVectors norm;
  Columns<T, ALIGNED> y;

  struct Column {
    ConstColumns<T, ALIGNED> x;
    NormPack<kPackWidth<T>> norm;
    Columns<T, ALIGNED> y;
    __device__ __forceinline__ void operator()(std::uint32_t row) const {
      y.store(row, norm.norm_relu(x.load(row)));
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {x.at(channels), NormPack<kPackWidth<T>>(norm, channels), y.at(channels)};
  }
};

template <class T, bool ALIGNED>
struct ApplyDeferred {
  using Channels = ChannelPack<T, ALIGNED>;
  ConstColumns<T, ALIGNED> g;
  ConstColumns<T, ALIGNED> y;
  DeferredVectors due;
  Columns<T, ALIGNED> out;

  struct Column {
    ConstColumns<T, ALIGNED> g, y;
    DeferredPack<kPackWidth<T>> due;
    Columns<T, ALIGNED> out;
    __device__ __forceinline__ void operator()(std::uint32_t row) const {
      out.store(row, due.applied(g.load(row), y.load(row)));
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {g.at(channels), y.at(channels), DeferredPack<kPackWidth<T>>(due, channels),
            out.at(channels)};
  }
};

struct InverseDeviation {
  static constexpr int kWidth = 1;
  const float* variance;
  float epsilon;
  float* inv_std;

  __device__ void operator()(std::int64_t /*row*/, std::int64_t c) const {
    inv_std[c] = static_cast<float>(
        1.0 / sqrt(static_cast<double>(variance[c]) + static_cast<double>(epsilon)));
  }
};

template <class T, bool ALIGNED>
struct PlainSource {
  using Channels = ChannelPack<T, ALIGNED>;
  ConstColumns<T, ALIGNED> grad_y;
  __device__ __forceinline__ PlainSource column(const Channels& channels) const {
    return {grad_y.at(channels)};
  }
  template <class Take>
  __device__ __forceinline__ void operator()(std::uint32_t row, const Take& take) const {
    take(GradientTile<T, 1>{{row}, {grad_y.load(row)}});
  }
};

// As many batch norms as fit in 4 KiB of kernel arguments.
constexpr int kTableSize = 64;
constexpr unsigned kThreads = 256;

struct Table {
  RunningStatistics statistics[kTableSize];
};

__device__ float blended(float running, double batch, float momentum) {
  const auto take = static_cast<double>(momentum);
  return static_cast<float>((1.0 - take) * static_cast<double>(running) + take * batch);
}

// blockIdx.x is the batch norm.
__global__ void __launch_bounds__(kThreads) update_running(const __grid_constant__ Table table) {
  const RunningStatistics& s = table.statistics[blockIdx.x];
  const auto rows = static_cast<double>(s.pixels);
  for (std::int64_t c = threadIdx.x; c < s.channels; c += kThreads) {
    s.running_mean[c] = blended(s.running_mean[c], static_cast<double>(s.mean[c]), s.momentum);
    if (s.pixels > 1) {
      const double unbiased = static_cast<double>(s.variance[c]) * (rows / (rows - 1.0));
      s.running_var[c] = blended(s.running_var[c], unbiased, s.momentum);
    }
  }
}

}  // namespace

void channel_statistics(const Stream& stream, ConstTensorView x, const StatisticsOutput& out,
                        Workspace workspace) {
  launch_moments(stream, "channel_statistics", x, StatisticsSink(out), workspace);
}

void norm_relu_forward(const Stream& stream, ConstTensorView x, const NormRelu& norm,
                       TensorView y) {
  const bool packs = packs_fit(x) && packs_fit(y) && vectors_fit(norm);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    const NormReluValues<T, ALIGNED> body{ConstColumns<T, ALIGNED>(x), NormVectors(norm),
                                          Columns<T, ALIGNED>(y)};
    launch_rows(stream, "norm_relu_forward", body, x.shape.pixels(), x.shape.c);
  });
}

void norm_relu_backward(const Stream& stream, ConstTensorView grad_y, ConstTensorView x,
                        const NormRelu& norm, const NormReluGradient& out, Workspace workspace) {
  const bool packs = packs_fit(x, norm, out) && packs_fit(grad_y);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    launch_norm_gradient<T, ALIGNED>(stream, "norm_relu_backward",
                                     PlainSource<T, ALIGNED>{ConstColumns<T, ALIGNED>(grad_y)},
                                     x.shape.pixels(), x, norm, out, workspace);
  });
}

void apply_deferred_gradient(const Stream& stream, const DeferredGradient& gradient,
                             TensorView grad_y) {
  const ConstTensorView& y = companion(gradient);
  const bool packs =
      packs_fit(gradient.g) && packs_fit(y) && packs_fit(grad_y) && vectors_fit(gradient);
  with_columns(grad_y.dtype, packs, [&]<class T, bool ALIGNED>() {
    const ApplyDeferred<T, ALIGNED> body{ConstColumns<T, ALIGNED>(gradient.g),
                                         ConstColumns<T, ALIGNED>(y), DeferredVectors(gradient),
                                         Columns<T, ALIGNED>(grad_y)};
    launch_rows(stream, "apply_deferred_gradient", body, grad_y.shape.pixels(), grad_y.shape.c);
  });
}

void inverse_deviation(const Stream& stream, ConstTensorView variance, float epsilon,
                       TensorView inv_std) {
  launch_packs(stream, "inverse_deviation",
               InverseDeviation{variance.f32(), epsilon, inv_std.f32()}, 1, variance.shape.c);
}

void update_running_statistics(const Stream& stream, const RunningStatistics* statistics,
                               std::int64_t count) {
  for (std::int64_t first = 0; first < count; first += kTableSize) {
    const std::int64_t rest = count - first;
    const auto size = static_cast<unsigned>(rest < kTableSize ? rest : kTableSize);
    Table table{};
    for (unsigned i = 0; i < size; ++i) {
      table.statistics[i] = statistics[first + i];
    }
    launch(stream, "update_running_statistics", &update_running, {size, kThreads}, table);
  }
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
