// SPDX-License-Identifier: Apache-2.0
// Statistics, NormRelu and deferred gradients as passes of their own. Floor: every tensor read and
// written once.
#include "accrete/kernels/batch_norm.h"

#include "cuda/moments.cuh"
#include "cuda/norm_gradient.cuh"

namespace accrete::kernels::cuda {
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
  DeferredGradientVectors due;
  Columns<T, ALIGNED> out;

  struct Column {
    ConstColumns<T, ALIGNED> g, y;
    DeferredGradientPack<kPackWidth<T>> due;
    Columns<T, ALIGNED> out;
    __device__ __forceinline__ void operator()(std::uint32_t row) const {
      out.store(row, due.applied(g.load(row), y.load(row)));
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {g.at(channels), y.at(channels), DeferredGradientPack<kPackWidth<T>>(due, channels),
            out.at(channels)};
  }
};

struct InverseDeviations {
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

// Batch norms of a launch: 3.5 KiB of kernel arguments.
constexpr int kTableSize = 64;
constexpr unsigned kThreads = 256;

struct Table {
  RunningStatistics statistics[kTableSize];
};

/// Computes  for every batch norm and channel c, with M pixels and momentum m,
///             running_mean[c] = (1 - m) * running_mean[c] + m * mean[c]
///             running_var[c]  = (1 - m) * running_var[c]  + m * variance[c] * M / (M - 1)
///           in f64, rounded once; with M = 1 running_var stays as it is.
/// Operands  four f32 vectors [C] of each batch norm, whose C, M and m are its own; the table of at
///           most 64 of them is the kernel's argument.
/// Grid      one block of 256 threads for each batch norm of the launch; thread t has every 256th
///           channel from t on.
/// Shared    none. Limits: none; elements move one by one.
/// Work      24 bytes and about 10 f64 FLOP per channel.
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

const char* run(const Stream& stream, const ChannelStatistics& call, const Workspace& workspace) {
  launch_moments(stream, call.kName, call.x, StatisticsSink(call.statistics), workspace);
  return "columns";
}

const char* run(const Stream& stream, const NormReluForward& call, const Workspace& /*workspace*/) {
  const ConstTensorView& x = call.x;
  const bool packs = packs_fit(x) && packs_fit(call.y) && vectors_fit(call.norm);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    const NormReluValues<T, ALIGNED> body{ConstColumns<T, ALIGNED>(x), NormVectors(call.norm),
                                          Columns<T, ALIGNED>(call.y)};
    launch_rows(stream, call.kName, body, x.shape.pixels(), x.shape.c);
  });
  return "columns";
}

const char* run(const Stream& stream, const NormReluBackward& call, const Workspace& workspace) {
  const bool packs = norm_packs_fit(call) && packs_fit(call.grad_y);
  with_columns(call.x.dtype, packs, [&]<class T, bool ALIGNED>() {
    launch_norm_gradient<T, ALIGNED>(stream, call,
                                     PlainSource<T, ALIGNED>{ConstColumns<T, ALIGNED>(call.grad_y)},
                                     call.x.shape.pixels(), workspace);
  });
  return "columns";
}

const char* run(const Stream& stream, const ApplyDeferredGradient& call,
                const Workspace& /*workspace*/) {
  const DeferredGradient& gradient = call.gradient;
  const TensorView& grad_y = call.grad_y;
  const ConstTensorView& y = companion(gradient);
  const bool packs =
      packs_fit(gradient.g) && packs_fit(y) && packs_fit(grad_y) && vectors_fit(gradient);
  with_columns(grad_y.dtype, packs, [&]<class T, bool ALIGNED>() {
    const ApplyDeferred<T, ALIGNED> body{
        ConstColumns<T, ALIGNED>(gradient.g), ConstColumns<T, ALIGNED>(y),
        DeferredGradientVectors(gradient), Columns<T, ALIGNED>(grad_y)};
    launch_rows(stream, call.kName, body, grad_y.shape.pixels(), grad_y.shape.c);
  });
  return "columns";
}

const char* run(const Stream& stream, const InverseDeviation& call,
                const Workspace& /*workspace*/) {
  const InverseDeviations body{call.variance.f32(), call.epsilon, call.inv_std.f32()};
  launch_packs(stream, call.kName, body, 1, call.variance.shape.c);
  return "vector";
}

const char* run(const Stream& stream, const UpdateRunningStatistics& call,
                const Workspace& /*workspace*/) {
  for (std::int64_t first = 0; first < call.count; first += kTableSize) {
    const std::int64_t rest = call.count - first;
    const auto size = static_cast<unsigned>(rest < kTableSize ? rest : kTableSize);
    Table table{};
    for (unsigned i = 0; i < size; ++i) {
      table.statistics[i] = call.statistics[first + i];
    }
    launch(stream, call.kName, &update_running, {size, kThreads}, table);
  }
  return "vectors";
}

}  // namespace accrete::kernels::cuda
