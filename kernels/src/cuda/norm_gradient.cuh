// SPDX-License-Identifier: Apache-2.0
// What a reader through NormRelu leaves behind: its masked, scaled gradient in g, and per channel
// the sums of dz and dz * xhat.
#pragma once

#include "cuda/chunk_combine.cuh"
#include "cuda/column_reduction.cuh"
#include "cuda/norm_vectors.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Where the sums of dz and of dz * xhat over all rows go; a and b may be null.
struct NormSumsSink {
  using Rule = SumRule;
  const float* gamma;
  float* a;
  float* b;
  float* grad_gamma;
  float* grad_beta;
  bool accumulate;

  NormSumsSink(const NormRelu& norm, const NormReluGradient& out)
      : gamma(norm.gamma.f32()),
        a(out.a.f32()),
        b(out.b.f32()),
        grad_gamma(out.grad_gamma.f32()),
        grad_beta(out.grad_beta.f32()),
        accumulate(out.mode == GradMode::accumulate) {}
  __device__ __forceinline__ void operator()(std::int64_t c, const Pair& sums, double rows) const {
    grad_beta[c] = static_cast<float>(sums.first);
    grad_gamma[c] = static_cast<float>(sums.second);
    if (a != nullptr) {
      const double weight = static_cast<double>(gamma[c]) / rows;
      const auto to_a = static_cast<float>(weight * sums.first);
      const auto to_b = static_cast<float>(weight * sums.second);
      a[c] = accumulate ? a[c] + to_a : to_a;
      b[c] = accumulate ? b[c] + to_b : to_b;
    }
  }
};

/// g (= or +=) factor * dz for a chunk of rows of 32 channels, and the chunk's partial sums.
/// source(row, channel) is the gradient at the reader's ReLU. Launched with chunk_shape.
template <class T, class Source>
__global__ void __launch_bounds__(kReduceLanes* kReduceRows, 1)
    norm_gradient_chunk(Source source, ConstRows<T> x, NormGradientVectors norm, Rows<T> g,
                        bool accumulate, ChunkResults out, NormSumsSink sink) {
  ACCRETE_SHARED_ARRAY(float, scratch, [kReduceRows][kReduceLanes]);
  ACCRETE_SHARED_ARRAY(Pair, pairs, [kCombineThreads]);
  const ChunkPosition at(out.rows, out.rows_per_chunk);
  const bool inside = at.channel < out.channels;
  const std::int64_t c = inside ? at.channel : 0;
  const float scale = norm.scale(c);
  const float shift = norm.shift(c);
  const float factor = norm.gradient_factor(c);
  float sum = 0.0F;
  float product = 0.0F;
  for (std::int64_t row = at.first_row; inside && row < at.end_row; row += kReduceRows) {
    const float value = to_float(*x.at(row, c));
    const float gradient = source(row, c);
    const float dz = passes_relu(value, scale, shift) ? gradient : 0.0F;
    T* target = g.at(row, c);
    const float before = accumulate ? to_float(*target) : 0.0F;
    *target = from_float<T>(__fmaf_rn(factor, dz, before));
    sum += dz;
    product = __fmaf_rn(dz, norm.xhat(value, c), product);
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

/// Queues it for tensors of type T.
template <class T, class Source>
void launch_norm_gradient(const Stream& stream, const char* op, const Source& source,
                          const ConstTensorView& x, const NormRelu& norm,
                          const NormReluGradient& out, const Workspace& workspace) {
  const RowChunks chunks = row_chunks(x.shape.pixels());
  const ChunkResults results =
      chunk_results(stream, op, x.shape.pixels(), chunks.rows_per_chunk, x.shape.c, workspace);
  launch(stream, op, &norm_gradient_chunk<T, Source>, chunk_shape(chunks, x.shape.c), source,
         ConstRows<T>(x), NormGradientVectors(norm, out), Rows<T>(out.g),
         out.mode == GradMode::accumulate, results, NormSumsSink(norm, out));
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
