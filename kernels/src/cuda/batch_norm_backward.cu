// SPDX-License-Identifier: Apache-2.0
// Batch norm backward: two sums per channel, then the gradient of x. Floor: x and grad_y read
// twice, grad_x written once.
#include "cuda/batch_norm.h"
#include "cuda/batch_norm_affine.cuh"
#include "cuda/chunk_combine.cuh"
#include "cuda/column_reduction.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

// The gradient at the batch norm's output: with ReLU only where that is positive.
__device__ __forceinline__ float masked(const BatchNormAffine& affine, bool relu, float x,
                                        float grad_y, std::int64_t channel) {
  return relu && !(affine.normalised(x, channel) > 0.0F) ? 0.0F : grad_y;
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

template <class T>
__global__ void __launch_bounds__(kReduceLanes* kReduceRows)
    chunk_gradient_sums(ConstRows<T> x, ConstRows<T> grad_y, BatchNormAffine affine, bool relu,
                        ChunkResults out, GradientSums sink) {
  ACCRETE_SHARED_ARRAY(float, scratch, [kReduceRows][kReduceLanes]);
  ACCRETE_SHARED_ARRAY(Pair, pairs, [kCombineThreads]);
  const ChunkPosition at(out.rows, out.rows_per_chunk);
  const bool inside = at.channel < out.channels;
  float sum = 0.0F;
  float product = 0.0F;
  for (std::int64_t row = at.first_row; inside && row < at.end_row; row += kReduceRows) {
    const float value = to_float(*x.at(row, at.channel));
    const float dz = masked(affine, relu, value, to_float(*grad_y.at(row, at.channel)), at.channel);
    sum += dz;
    product += dz * affine.xhat(value, at.channel);
  }
  sum = column_sum(scratch, sum);
  product = column_sum(scratch, product);
  if (inside && threadIdx.y == 0) {
    const std::int64_t index = blockIdx.y * out.channels + at.channel;
    out.chunk.first[index] = sum;
    out.chunk.second[index] = product;
  }
  combine_in_last_block<kReduceLanes>(out, blockIdx.y, at.channel - threadIdx.x, sink, pairs);
}

template <class T, int V>
struct DataGradient {
  static constexpr int kWidth = V;
  ConstRows<T> x;
  ConstRows<T> grad_y;
  Rows<T> grad_x;
  BatchNormAffine affine;
  const float* grad_gamma;
  const float* grad_beta;
  float inverse_rows;
  bool relu;
  bool accumulate;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    const Pack<V> value = load_pack<T, V>(x.at(row, c));
    Pack<V> gradient = load_pack<T, V>(grad_y.at(row, c));
#pragma unroll
    for (int i = 0; i < V; ++i) {
      const std::int64_t channel = c + i;
      const float dz = masked(affine, relu, value.v[i], gradient.v[i], channel);
      const float centred = dz - grad_beta[channel] * inverse_rows -
                            affine.xhat(value.v[i], channel) * (grad_gamma[channel] * inverse_rows);
      gradient.v[i] = affine.gamma[channel] * affine.inv_std[channel] * centred;
    }
    if (accumulate) {
      const Pack<V> sum = load_pack<T, V>(grad_x.at(row, c));
#pragma unroll
      for (int i = 0; i < V; ++i) {
        gradient.v[i] += sum.v[i];
      }
    }
    store_pack<T, V>(grad_x.at(row, c), gradient);
  }
};

}  // namespace

void batch_norm_backward(const Stream& stream, const BatchNormOptions& options,
                         ConstTensorView grad_y, ConstTensorView x, ConstTensorView gamma,
                         ConstTensorView beta, ConstTensorView save_mean,
                         ConstTensorView save_inv_std, TensorView grad_x, GradMode mode,
                         TensorView grad_gamma, TensorView grad_beta, Workspace workspace) {
  constexpr const char* kOp = "batch_norm_backward";
  const std::int64_t rows = x.shape.pixels();
  const std::int64_t channels = x.shape.c;
  const RowChunks chunks = row_chunks(rows);
  const ChunkResults results =
      chunk_results(stream, kOp, rows, chunks.rows_per_chunk, channels, workspace);
  const BatchNormAffine affine{gamma.f32(),        beta.f32(), save_mean.f32(),
                               save_inv_std.f32(), nullptr,    0.0F};
  with_packs(x.dtype, false, [&]<class T, int V>() {
    launch(stream, kOp, &chunk_gradient_sums<T>, chunk_shape(chunks, channels), ConstRows<T>(x),
           ConstRows<T>(grad_y), affine, options.relu, results,
           GradientSums{grad_gamma.f32(), grad_beta.f32()});
  });
  const bool packs = packs_fit(x) && packs_fit(grad_y) && packs_fit(grad_x);
  // The terms of constant statistics count 0 times.
  const float inverse_rows = options.constant_statistics ? 0.0F : 1.0F / static_cast<float>(rows);
  with_packs(x.dtype, packs, [&]<class T, int V>() {
    const DataGradient<T, V> body{
        ConstRows<T>(x), ConstRows<T>(grad_y), Rows<T>(grad_x),
        affine,          grad_gamma.f32(),     grad_beta.f32(),
        inverse_rows,    options.relu,         mode == GradMode::accumulate};
    launch_packs(stream, kOp, body, rows, channels);
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
