// SPDX-License-Identifier: Apache-2.0
// Statistics, NormRelu and deferred gradients as passes of their own. Floor: every tensor read and
// written once (statistics read x twice, the second time from cache).
#include "cuda/norm_relu.h"

#include "cuda/moments.cuh"
#include "cuda/norm_gradient.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

template <class T, int V>
struct NormReluElement {
  static constexpr int kWidth = V;
  ConstRows<T> x;
  NormVectors norm;
  Rows<T> y;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    Pack<V> value = load_pack<T, V>(x.at(row, c));
#pragma unroll
    for (int i = 0; i < V; ++i) {
      value.v[i] = norm_relu(value.v[i], norm.scale(c + i), norm.shift(c + i));
    }
    store_pack<T, V>(y.at(row, c), value);
  }
};

template <class T, int V>
struct ApplyDeferred {
  static constexpr int kWidth = V;
  ConstRows<T> g;
  ConstRows<T> y;
  DeferredVectors due;
  Rows<T> out;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    Pack<V> gradient = load_pack<T, V>(g.at(row, c));
    const Pack<V> value = load_pack<T, V>(y.at(row, c));
#pragma unroll
    for (int i = 0; i < V; ++i) {
      gradient.v[i] = applied(gradient.v[i], value.v[i], due.p(c + i), due.q(c + i), due.r(c + i));
    }
    store_pack<T, V>(out.at(row, c), gradient);
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

template <class T>
struct PlainSource {
  ConstRows<T> grad_y;
  __device__ __forceinline__ float operator()(std::int64_t row, std::int64_t c) const {
    return to_float(*grad_y.at(row, c));
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
  channel_statistics_in_chunks(stream, x, row_chunks(x.shape.pixels()), out, workspace);
}

void channel_statistics_in_chunks(const Stream& stream, ConstTensorView x, const RowChunks& chunks,
                                  const StatisticsOutput& out, Workspace workspace) {
  launch_moments(stream, "channel_statistics", x, chunks, StatisticsSink(out), workspace);
}

void norm_relu_forward(const Stream& stream, ConstTensorView x, const NormRelu& norm,
                       TensorView y) {
  with_packs(x.dtype, packs_fit(x) && packs_fit(y), [&]<class T, int V>() {
    const NormReluElement<T, V> body{ConstRows<T>(x), NormVectors(norm), Rows<T>(y)};
    launch_packs(stream, "norm_relu_forward", body, x.shape.pixels(), x.shape.c);
  });
}

void norm_relu_backward(const Stream& stream, ConstTensorView grad_y, ConstTensorView x,
                        const NormRelu& norm, const NormReluGradient& out, Workspace workspace) {
  with_packs(x.dtype, false, [&]<class T, int V>() {
    launch_norm_gradient<T>(stream, "norm_relu_backward", PlainSource<T>{ConstRows<T>(grad_y)}, x,
                            norm, out, workspace);
  });
}

void apply_deferred_gradient(const Stream& stream, const DeferredGradient& gradient,
                             TensorView grad_y) {
  const ConstTensorView& y = companion(gradient);
  const bool packs = packs_fit(gradient.g) && packs_fit(y) && packs_fit(grad_y);
  with_packs(grad_y.dtype, packs, [&]<class T, int V>() {
    const ApplyDeferred<T, V> body{ConstRows<T>(gradient.g), ConstRows<T>(y),
                                   DeferredVectors(gradient), Rows<T>(grad_y)};
    launch_packs(stream, "apply_deferred_gradient", body, grad_y.shape.pixels(), grad_y.shape.c);
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
