// SPDX-License-Identifier: Apache-2.0
// Batch norm forward. Floor: statistics read x once (the second sweep of a chunk hits in cache),
// normalising reads and writes it once.
#include "cuda/batch_norm.h"
#include "cuda/batch_norm_affine.cuh"
#include "cuda/moments.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

// Statistics for the backward pass, and the running ones.
struct SavedStatistics {
  using Rule = MomentRule;
  BatchNormOptions options;
  float* mean;
  float* inv_std;
  float* running_mean;
  float* running_var;

  __device__ __forceinline__ void operator()(std::int64_t c, const Pair& moments,
                                             double rows) const {
    const double variance = moments.second / rows;
    mean[c] = static_cast<float>(moments.first);
    inv_std[c] = static_cast<float>(1.0 / sqrt(variance + static_cast<double>(options.epsilon)));
    running_mean[c] = blended(running_mean[c], moments.first);
    if (rows > 1.0) {
      running_var[c] = blended(running_var[c], moments.second / (rows - 1.0));
    }
  }

 private:
  __device__ __forceinline__ float blended(float running, double batch) const {
    const auto take = static_cast<double>(options.momentum);
    return static_cast<float>((1.0 - take) * static_cast<double>(running) + take * batch);
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

void batch_norm_training(const Stream& stream, const BatchNormOptions& options, ConstTensorView x,
                         ConstTensorView gamma, ConstTensorView beta, TensorView running_mean,
                         TensorView running_var, TensorView save_mean, TensorView save_inv_std,
                         TensorView y, Workspace workspace) {
  constexpr const char* kOp = "batch_norm_training";
  const SavedStatistics saved{options, save_mean.f32(), save_inv_std.f32(), running_mean.f32(),
                              running_var.f32()};
  launch_moments(stream, kOp, x, saved, workspace);
  normalise(stream, kOp, x,
            {gamma.f32(), beta.f32(), save_mean.f32(), save_inv_std.f32(), nullptr, 0.0F},
            options.relu, y);
}

void batch_norm_normalise(const Stream& stream, const BatchNormOptions& options, ConstTensorView x,
                          ConstTensorView gamma, ConstTensorView beta, ConstTensorView mean,
                          ConstTensorView inv_std, TensorView y) {
  normalise(stream, "batch_norm_normalise", x,
            {gamma.f32(), beta.f32(), mean.f32(), inv_std.f32(), nullptr, 0.0F}, options.relu, y);
}

void batch_norm_inference(const Stream& stream, const BatchNormOptions& options, ConstTensorView x,
                          ConstTensorView gamma, ConstTensorView beta, ConstTensorView running_mean,
                          ConstTensorView running_var, TensorView y) {
  normalise(
      stream, "batch_norm_inference", x,
      {gamma.f32(), beta.f32(), running_mean.f32(), nullptr, running_var.f32(), options.epsilon},
      options.relu, y);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
