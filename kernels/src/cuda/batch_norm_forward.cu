// SPDX-License-Identifier: Apache-2.0
// Batch norm forward. Floor: statistics read x once (the second sweep of a chunk hits in cache),
// normalising reads and writes it once.
#include "cuda/batch_norm.h"
#include "cuda/batch_norm_affine.cuh"
#include "cuda/column_reduction.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

// Mean and sum of squared deviations of one chunk.
struct ChunkStatistics {
  float* mean;  // [chunks, channels]
  float* m2;
};

template <class T>
__global__ void __launch_bounds__(kReduceLanes* kReduceRows)
    chunk_statistics(ConstRows<T> x, std::int64_t rows, std::int64_t channels,
                     std::int64_t rows_per_chunk, ChunkStatistics out) {
  ACCRETE_SHARED_ARRAY(float, scratch, [kReduceRows][kReduceLanes]);
  const ChunkPosition at(rows, rows_per_chunk);
  const bool inside = at.channel < channels;
  float sum = 0.0F;
  for (std::int64_t row = at.first_row; inside && row < at.end_row; row += kReduceRows) {
    sum += to_float(*x.at(row, at.channel));
  }
  const float mean = column_sum(scratch, sum) / static_cast<float>(at.chunk_rows);
  float squares = 0.0F;
  for (std::int64_t row = at.first_row; inside && row < at.end_row; row += kReduceRows) {
    const float deviation = to_float(*x.at(row, at.channel)) - mean;
    squares += deviation * deviation;
  }
  const float m2 = column_sum(scratch, squares);
  if (inside && threadIdx.y == 0) {
    const std::int64_t index = blockIdx.y * channels + at.channel;
    out.mean[index] = mean;
    out.m2[index] = m2;
  }
}

struct Moments {
  double count;
  double mean;
  double m2;
};

// Chan, Golub & LeVeque 1979, equation 2.1.
__device__ Moments merge(const Moments& a, const Moments& b) {
  if (b.count == 0.0) {
    return a;
  }
  if (a.count == 0.0) {
    return b;
  }
  const double count = a.count + b.count;
  const double delta = b.mean - a.mean;
  return {count, a.mean + delta * (b.count / count),
          a.m2 + b.m2 + delta * delta * (a.count * b.count / count)};
}

__device__ Moments merge_lanes(Moments mine) {
#pragma unroll
  for (int bits = 1; bits < 32; bits *= 2) {
    const Moments other{__shfl_xor_sync(0xFFFFFFFFU, mine.count, bits),
                        __shfl_xor_sync(0xFFFFFFFFU, mine.mean, bits),
                        __shfl_xor_sync(0xFFFFFFFFU, mine.m2, bits)};
    // The lower lane's moments always come first, so that both compute the same bits.
    mine =
        (threadIdx.x & static_cast<unsigned>(bits)) == 0 ? merge(mine, other) : merge(other, mine);
  }
  return mine;
}

struct SavedStatistics {
  float* mean;
  float* inv_std;
  float* running_mean;
  float* running_var;
};

__global__ void __launch_bounds__(32 * kCombineWarps)
    combine_statistics(ChunkStatistics chunk, std::int64_t chunks, std::int64_t rows,
                       std::int64_t rows_per_chunk, std::int64_t channels, BatchNormOptions options,
                       SavedStatistics saved) {
  const std::int64_t channel = static_cast<std::int64_t>(blockIdx.x) * kCombineWarps + threadIdx.y;
  if (channel >= channels) {
    return;  // a whole warp
  }
  Moments moments{0.0, 0.0, 0.0};
  for (std::int64_t i = threadIdx.x; i < chunks; i += 32) {
    const std::int64_t rest = rows - i * rows_per_chunk;
    const auto count = static_cast<double>(rest < rows_per_chunk ? rest : rows_per_chunk);
    const std::int64_t index = i * channels + channel;
    moments = merge(moments, {count, static_cast<double>(chunk.mean[index]),
                              static_cast<double>(chunk.m2[index])});
  }
  moments = merge_lanes(moments);
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
  const ChunkStatistics chunk{partial, partial + chunks.count * channels};
  with_packs(x.dtype, false, [&]<class T, int V>() {
    launch(stream, kOp, &chunk_statistics<T>, chunk_shape(chunks, channels), ConstRows<T>(x), rows,
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
