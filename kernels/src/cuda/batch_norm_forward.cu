// SPDX-License-Identifier: Apache-2.0
// Batch norm forward. Floor: statistics read x once (the second sweep of a chunk hits in cache),
// normalising reads and writes it once.
#include "cuda/batch_norm.h"
#include "cuda/batch_norm_affine.cuh"
#include "cuda/moments.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

struct SavedStatistics {
  float* mean;
  float* inv_std;
  float* running_mean;
  float* running_var;
};

__global__ void __launch_bounds__(32 * kCombineWarps)
    combine_statistics(ChunkMoments chunk, std::int64_t chunks, std::int64_t rows,
                       std::int64_t rows_per_chunk, std::int64_t channels, BatchNormOptions options,
                       SavedStatistics saved) {
  const std::int64_t channel = static_cast<std::int64_t>(blockIdx.x) * kCombineWarps + threadIdx.y;
  if (channel >= channels) {
    return;  // a whole warp
  }
  const Moments moments = combine_moments(chunk, chunks, rows, rows_per_chunk, channels, channel);
  if (threadIdx.x != 0) {
    return;
  }
  const double variance = moments.m2 / moments.count;
  const auto epsilon = static_cast<double>(options.epsilon);
  saved.mean[channel] = static_cast<float>(moments.mean);
  saved.inv_std[channel] = static_cast<float>(1.0 / sqrt(variance + epsilon));
  const auto keep = 1.0 - static_cast<double>(options.momentum);
  const auto take = static_cast<double>(options.momentum);
  saved.running_mean[channel] = static_cast<float>(
      keep * static_cast<double>(saved.running_mean[channel]) + take * moments.mean);
  if (rows > 1) {
    const double unbiased = moments.m2 / (moments.count - 1.0);
    saved.running_var[channel] = static_cast<float>(
        keep * static_cast<double>(saved.running_var[channel]) + take * unbiased);
  }
}

template <class T, int V>
struct Normalise {
  static constexpr int kWidth = V;
  ConstRows<T> x;
  Rows<T> y;
  BatchNormAffine affine;
  bool relu;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    Pack<V> value = load_pack<T, V>(x.at(row, c));
#pragma unroll
    for (int i = 0; i < V; ++i) {
      const float z = affine.normalised(value.v[i], c + i);
      value.v[i] = relu && z < 0.0F ? 0.0F : z;
    }
    store_pack<T, V>(y.at(row, c), value);
  }
};

void normalise(const Stream& stream, const char* op, const ConstTensorView& x,
               const BatchNormAffine& affine, bool relu, const TensorView& y) {
  with_packs(x.dtype, packs_fit(x) && packs_fit(y), [&]<class T, int V>() {
    const Normalise<T, V> body{ConstRows<T>(x), Rows<T>(y), affine, relu};
    launch_packs(stream, op, body, x.shape.pixels(), x.shape.c);
  });
}

}  // namespace

void batch_norm_training(const Stream& stream, const BatchNormOptions& options, ConstTensorView x,
                         ConstTensorView gamma, ConstTensorView beta, TensorView running_mean,
                         TensorView running_var, TensorView save_mean, TensorView save_inv_std,
                         TensorView y, Workspace workspace) {
  constexpr const char* kOp = "batch_norm_training";
  const std::int64_t rows = x.shape.pixels();
  const std::int64_t channels = x.shape.c;
  const RowChunks chunks = row_chunks(rows);
  auto* partial = static_cast<float*>(workspace.data);
  const ChunkMoments chunk{partial, partial + chunks.count * channels};
  with_packs(x.dtype, false, [&]<class T, int V>() {
    launch(stream, kOp, &chunk_moments<T>, chunk_shape(chunks, channels), ConstRows<T>(x), rows,
           channels, chunks.rows_per_chunk, chunk);
  });
  launch(
      stream, kOp, &combine_statistics, combine_shape(channels), chunk, chunks.count, rows,
      chunks.rows_per_chunk, channels, options,
      SavedStatistics{save_mean.f32(), save_inv_std.f32(), running_mean.f32(), running_var.f32()});
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
