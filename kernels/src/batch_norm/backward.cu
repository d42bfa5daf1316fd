// SPDX-License-Identifier: Apache-2.0
// Batch norm backward: two sums per channel, then the gradient of x. Floor: x and grad_y read
// twice, grad_x written once.
#include "accrete/kernels/batch_norm.h"
#include "batch_norm/affine.cuh"
#include "cuda/column_reduction.cuh"

namespace accrete::kernels::cuda {
namespace {

// The gradient at the batch norm's output: with ReLU only where that is positive.
template <int V>
__device__ __forceinline__ float masked(const AffinePack<V>& affine, bool relu, float x,
                                        float grad_y, int i) {
  return relu && !(affine.normalised(x, i) > 0.0F) ? 0.0F : grad_y;
}

// The sums of dz and of dz * xhat.
struct GradientSums {
  using Rule = SumRule;
  float* grad_gamma;
  float* grad_beta;

  __device__ __forceinline__ void operator()(std::int64_t c, const Pair& sums,
                                             double /*rows*/) const {
    grad_beta[c] = static_cast<float>(sums.first);
    grad_gamma[c] = static_cast<float>(sums.second);
  }
};

template <class T, bool ALIGNED>
struct GradientSummands {
  using Channels = ChannelPack<T, ALIGNED>;
  ConstColumns<T, ALIGNED> x, grad_y;
  BatchNormAffine affine;
  bool relu;

  struct Column {
    ConstColumns<T, ALIGNED> x, grad_y;
    AffinePack<kPackWidth<T>> affine;
    bool relu;
    __device__ __forceinline__ void operator()(std::uint32_t row,
                                               ColumnSums<kPackWidth<T>>& sums) const {
      const PackOf<T> value = x.load(row);
      const PackOf<T> gradient = grad_y.load(row);
#pragma unroll
      for (int i = 0; i < kPackWidth<T>; ++i) {
        const float dz = masked(affine, relu, value.v[i], gradient.v[i], i);
        sums.first.v[i] += dz;
        sums.second.v[i] = __fmaf_rn(dz, affine.xhat(value.v[i], i), sums.second.v[i]);
      }
    }
    __device__ __forceinline__ void finish(ColumnSums<kPackWidth<T>>& /*sums*/) const {}
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    return {x.at(channels), grad_y.at(channels), AffinePack<kPackWidth<T>>(affine, channels), relu};
  }
};

template <class T, bool ALIGNED>
struct DataGradient {
  using Channels = ChannelPack<T, ALIGNED>;
  ConstColumns<T, ALIGNED> x, grad_y;
  Columns<T, ALIGNED> grad_x;
  BatchNormAffine affine;
  const float* grad_gamma;
  const float* grad_beta;
  float inverse_rows;
  bool relu;
  bool accumulate;

  struct Column {
    ConstColumns<T, ALIGNED> x, grad_y;
    Columns<T, ALIGNED> grad_x;
    AffinePack<kPackWidth<T>> affine;
    PackOf<T> factor, mean_dz, mean_product;
    bool relu;
    bool accumulate;
    __device__ __forceinline__ void operator()(std::uint32_t row) const {
      const PackOf<T> value = x.load(row);
      const PackOf<T> gradient = grad_y.load(row);
      PackOf<T> sum{};
      if (accumulate) {
        sum = grad_x.load(row);
      }
#pragma unroll
      for (int i = 0; i < kPackWidth<T>; ++i) {
        const float dz = masked(affine, relu, value.v[i], gradient.v[i], i);
        const float centred = dz - mean_dz.v[i] - affine.xhat(value.v[i], i) * mean_product.v[i];
        sum.v[i] += factor.v[i] * centred;
      }
      grad_x.store(row, sum);
    }
  };
  __device__ __forceinline__ Column column(const Channels& channels) const {
    const AffinePack<kPackWidth<T>> pack(affine, channels);
    Column column{x.at(channels), grad_y.at(channels), grad_x.at(channels), pack, {}, {}, {},
                  relu,           accumulate};
    const PackOf<T> beta_sum = load_vector(grad_beta, channels);
    const PackOf<T> gamma_sum = load_vector(grad_gamma, channels);
#pragma unroll
    for (int i = 0; i < kPackWidth<T>; ++i) {
      column.factor.v[i] = pack.gamma.v[i] * pack.inv_std.v[i];
      column.mean_dz.v[i] = beta_sum.v[i] * inverse_rows;
      column.mean_product.v[i] = gamma_sum.v[i] * inverse_rows;
    }
    return column;
  }
};

}  // namespace

const char* run(const Stream& stream, const BatchNormBackward& call, const Workspace& workspace) {
  const ConstTensorView& x = call.x;
  const std::int64_t rows = x.shape.pixels();
  const BatchNormAffine affine = affine_of(call.norm);
  float* const grad_gamma = call.grad_gamma.f32();
  float* const grad_beta = call.grad_beta.f32();
  const bool packs = packs_fit(x) && packs_fit(call.grad_y) && packs_fit(call.grad_x) &&
                     affine.fits_packs() && vectors_fit(grad_gamma, grad_beta);
  // The terms of constant statistics count 0 times.
  const float inverse_rows = call.constant_statistics ? 0.0F : 1.0F / static_cast<float>(rows);
  with_columns(x.dtype, packs, [&]<class T, bool ALIGNED>() {
    const ConstColumns<T, ALIGNED> from(x);
    const ConstColumns<T, ALIGNED> gradient(call.grad_y);
    launch_sums(stream, call.kName, GradientSummands<T, ALIGNED>{from, gradient, affine, call.relu},
                rows, rows, x.shape.c, GradientSums{grad_gamma, grad_beta}, workspace);
    const DataGradient<T, ALIGNED> body{
        from,         gradient,  Columns<T, ALIGNED>(call.grad_x), affine, grad_gamma, grad_beta,
        inverse_rows, call.relu, call.mode == GradMode::accumulate};
    launch_rows(stream, call.kName, body, rows, x.shape.c);
  });
  return "columns";
}

}  // namespace accrete::kernels::cuda
