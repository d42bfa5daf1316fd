// SPDX-License-Identifier: Apache-2.0
// Combining kernels of fused operations: a warp per channel adds up what blocks left behind, in an
// order that their number decides. Floor: the partial results read once.
#include "cuda/norm_gradient.cuh"
#include "cuda/statistics_combine.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

__global__ void __launch_bounds__(32 * kCombineWarps)
    combine_norm_sums(NormSums partial, std::int64_t chunks, std::int64_t rows,
                      std::int64_t channels, const float* gamma, NormSumsOutput out) {
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * kCombineWarps + threadIdx.y;
  if (c >= channels) {
    return;  // a whole warp
  }
  const double dz = combine_sum(partial.dz, chunks, channels, c);
  const double dz_xhat = combine_sum(partial.dz_xhat, chunks, channels, c);
  if (threadIdx.x != 0) {
    return;
  }
  out.grad_beta[c] = static_cast<float>(dz);
  out.grad_gamma[c] = static_cast<float>(dz_xhat);
  if (out.a != nullptr) {
    const double weight = static_cast<double>(gamma[c]) / static_cast<double>(rows);
    const float a = static_cast<float>(weight * dz);
    const float b = static_cast<float>(weight * dz_xhat);
    out.a[c] = out.accumulate ? out.a[c] + a : a;
    out.b[c] = out.accumulate ? out.b[c] + b : b;
  }
}

struct Statistics {
  float* mean;
  float* variance;
  float* inv_std;
  float epsilon;
};

__global__ void __launch_bounds__(32 * kCombineWarps)
    combine_channel_statistics(ChunkMoments chunk, std::int64_t chunks, std::int64_t rows,
                               std::int64_t rows_per_chunk, std::int64_t channels, Statistics out) {
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * kCombineWarps + threadIdx.y;
  if (c >= channels) {
    return;  // a whole warp
  }
  const Moments moments = combine_moments(chunk, chunks, rows, rows_per_chunk, channels, c);
  if (threadIdx.x == 0) {
    const double variance = moments.m2 / moments.count;
    out.mean[c] = static_cast<float>(moments.mean);
    out.variance[c] = static_cast<float>(variance);
    out.inv_std[c] = static_cast<float>(1.0 / sqrt(variance + static_cast<double>(out.epsilon)));
  }
}

}  // namespace

void launch_combine_norm_sums(const Stream& stream, const char* op, const NormSums& partial,
                              std::int64_t chunks, std::int64_t rows, const NormRelu& norm,
                              const NormReluGradient& out) {
  const std::int64_t channels = norm.gamma.shape.c;
  launch(stream, op, &combine_norm_sums, combine_shape(channels), partial, chunks, rows, channels,
         norm.gamma.f32(), NormSumsOutput(out));
}

void launch_combine_statistics(const Stream& stream, const char* op, const ChunkMoments& chunk,
                               std::int64_t chunks, std::int64_t rows, std::int64_t rows_per_chunk,
                               const StatisticsOutput& out) {
  const std::int64_t channels = out.mean.shape.c;
  launch(stream, op, &combine_channel_statistics, combine_shape(channels), chunk, chunks, rows,
         rows_per_chunk, channels,
         Statistics{out.mean.f32(), out.variance.f32(), out.inv_std.f32(), out.epsilon});
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
