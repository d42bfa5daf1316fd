// SPDX-License-Identifier: Apache-2.0
// Gradient of a bias: the sum of grad_y over its pixels. Floor: grad_y read once.
#include "cuda/column_reduction.cuh"
#include "cuda/conv.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

template <class T>
__global__ void __launch_bounds__(kReduceLanes* kReduceRows)
    chunk_sums(ConstRows<T> grad_y, std::int64_t rows, std::int64_t channels,
               std::int64_t rows_per_chunk, float* partial) {
  ACCRETE_SHARED_ARRAY(float, scratch, [kReduceRows][kReduceLanes]);
  const ChunkPosition at(rows, rows_per_chunk);
  const bool inside = at.channel < channels;
  float sum = 0.0F;
  for (std::int64_t row = at.first_row; inside && row < at.end_row; row += kReduceRows) {
    sum += to_float(*grad_y.at(row, at.channel));
  }
  sum = column_sum(scratch, sum);
  if (inside && threadIdx.y == 0) {
    partial[blockIdx.y * channels + at.channel] = sum;
  }
}

__global__ void __launch_bounds__(32 * kCombineWarps)
    combine_sums(const float* partial, std::int64_t chunks, std::int64_t channels, float* grad_bias,
                 bool accumulate) {
  const std::int64_t channel = static_cast<std::int64_t>(blockIdx.x) * kCombineWarps + threadIdx.y;
  if (channel >= channels) {
    return;  // a whole warp
  }
  const auto sum = static_cast<float>(combine_sum(partial, chunks, channels, channel));
  if (threadIdx.x == 0) {
    grad_bias[channel] = accumulate ? grad_bias[channel] + sum : sum;
  }
}

}  // namespace

void bias_grad(const Stream& stream, ConstTensorView grad_y, TensorView grad_bias, GradMode mode,
               Workspace workspace) {
  const std::int64_t rows = grad_y.shape.pixels();
  const std::int64_t channels = grad_y.shape.c;
  const RowChunks chunks = row_chunks(rows);
  auto* partial = static_cast<float*>(workspace.data);
  with_packs(grad_y.dtype, false, [&]<class T, int V>() {
    launch(stream, "bias_grad", &chunk_sums<T>, chunk_shape(chunks, channels), ConstRows<T>(grad_y),
           rows, channels, chunks.rows_per_chunk, partial);
  });
  launch(stream, "bias_grad", &combine_sums, combine_shape(channels), partial, chunks.count,
         channels, grad_bias.f32(), mode == GradMode::accumulate);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
