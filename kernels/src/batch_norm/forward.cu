// SPDX-License-Identifier: Apache-2.0
// Batch norm forward. Floor: statistics read x once, normalising reads it once more and writes y.
#include "accrete/kernels/batch_norm.h"
#include "batch_norm/affine.cuh"
#include "cuda/moments.cuh"

namespace accrete::kernels::cuda {
namespace {

// Statistics for the backward pass, and the running ones.
struct SavedStatistics {
  using Rule = MomentRule;
  float epsilon, momentum;
  float* mean;
  float* inv_std;
  float* running_mean;
  float* running_var;

  __device__ __forceinline__ void operator()(std::int64_t c, const Pair& moments,
                                             double rows) const {
    const double variance = moments.second / rows;
    mean[c] = static_cast<float>(moments.first);
    inv_std[c] = static_cast<float>(1.0 / sqrt(variance + static_cast<double>(epsilon)));
    running_mean[c] = blended(running_mean[c], moments.first, momentum);
    if (rows > 1.0) {
      running_var[c] = blended(running_var[c], moments.second / (rows - 1.0), momentum);
    }
  }
};

template <class T, bool ALIGNED>
struct Normalise {
  using Channels = ChannelPack<T, ALIGNED>;
  ConstColumns<T, ALIGNED> x;
  Columns<T, ALIGNED> y;
  BatchNormAffine affine;
  bool relu;

  struct Column {
    ConstColumns<T, ALIGNED> x;
    Columns<T, ALIGNED> y;
    AffinePack<kPackWidth<T>> affine;
    bool relu;
    __device__ __forceinline__ void operator()(std::uint32_t row) const {
      PackOf<T> value = x.load(row);
#pragma unroll
      for (int i = 0; i < kPackWidth<T>; ++i) {
        const float z = affine.normalised(value.v[i], i);
        value.v[i] = relu && z < 0.0F ? 0.0F : z;
      }
      y.store(row, value);
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {x.at(channels), y.at(channels), AffinePack<kPackWidth<T>>(affine, channels), relu};
  }
};

void normalise(const Stream& stream, const char* op, const ConstTensorView& x,
               const BatchNormAffine& affine, bool relu, const TensorView& y) {
  const bool packs = packs_fit(x) && packs_fit(y) && affine.fits_packs();
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    const Normalise<T, ALIGNED> body{ConstColumns<T, ALIGNED>(x), Columns<T, ALIGNED>(y), affine,
                                     relu};
    launch_rows(stream, op, body, x.shape.pixels(), x.shape.c);
  });
}

}  // namespace

const char* run(const Stream& stream, const BatchNormTraining& call, const Workspace& workspace) {
  const auto& [epsilon, momentum, relu] = call.options;
  const SavedStatistics saved{epsilon,
                              momentum,
                              call.mean.f32(),
                              call.inv_std.f32(),
                              call.running_mean.f32(),
                              call.running_var.f32()};
  launch_moments(stream, call.kName, call.x, saved, workspace);
  normalise(stream, call.kName, call.x,
            {call.gamma.f32(), call.beta.f32(), call.mean.f32(), call.inv_std.f32()}, relu, call.y);
  return "columns";
}

const char* run(const Stream& stream, const BatchNormNormalise& call,
                const Workspace& /*workspace*/) {
  normalise(stream, call.kName, call.x, affine_of(call.norm), call.relu, call.y);
  return "columns";
}

const char* run(const Stream& stream, const BatchNormInference& call,
                const Workspace& /*workspace*/) {
  const BatchNormAffine running{call.gamma.f32(), call.beta.f32(),        call.running_mean.f32(),
                                nullptr,          call.running_var.f32(), call.options.epsilon};
  normalise(stream, call.kName, call.x, running, call.options.relu, call.y);
  return "columns";
}

}  // namespace accrete::kernels::cuda
