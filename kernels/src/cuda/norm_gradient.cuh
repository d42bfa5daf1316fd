// SPDX-License-Identifier: Apache-2.0
// What a reader through NormRelu leaves behind: its masked, scaled gradient in g, and per channel
// the sums of dz and dz * xhat, from partial results of blocks.
#pragma once

#include "cuda/column_reduction.cuh"
#include "cuda/norm_vectors.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Partial sums [chunks, channels].
struct NormSums {
  float* dz;
  float* dz_xhat;
};

/// Where the combined sums go; a and b may be null.
struct NormSumsOutput {
  float* a;
  float* b;
  float* grad_gamma;
  float* grad_beta;
  bool accumulate;

  explicit NormSumsOutput(const NormReluGradient& out)
      : a(out.a.f32()),
        b(out.b.f32()),
        grad_gamma(out.grad_gamma.f32()),
        grad_beta(out.grad_beta.f32()),
        accumulate(out.mode == GradMode::accumulate) {}
};

/// Adds the chunks up and finishes a and b, if wanted, grad_gamma and grad_beta. `rows` is M.
void launch_combine_norm_sums(const Stream& stream, const char* op, const NormSums& partial,
                              std::int64_t chunks, std::int64_t rows, const NormRelu& norm,
                              const NormReluGradient& out);

/// g (= or +=) factor * dz for a chunk of rows of 32 channels, and the chunk's partial sums.
/// source(row, channel) is the gradient at the reader's ReLU. Launched with chunk_shape.
template <class T, class Source>
__global__ void __launch_bounds__(kReduceLanes* kReduceRows, 1)
    norm_gradient_chunk(Source source, ConstRows<T> x, NormGradientVectors norm, Rows<T> g,
                        bool accumulate, std::int64_t rows, std::int64_t channels,
                        std::int64_t rows_per_chunk, NormSums out) {
  ACCRETE_SHARED_ARRAY(float, scratch, [kReduceRows][kReduceLanes]);
  const ChunkPosition at(rows, rows_per_chunk);
  const bool inside = at.channel < channels;
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
    const std::int64_t index = blockIdx.y * channels + at.channel;
    out.dz[index] = sum;
    out.dz_xhat[index] = product;
  }
}

/// Both kernels, for tensors of type T.
template <class T, class Source>
void launch_norm_gradient(const Stream& stream, const char* op, const Source& source,
                          const ConstTensorView& x, const NormRelu& norm,
                          const NormReluGradient& out, const Workspace& workspace) {
  const std::int64_t rows = x.shape.pixels();
  const std::int64_t channels = x.shape.c;
  const RowChunks chunks = row_chunks(rows);
  auto* partial = static_cast<float*>(workspace.data);
  const NormSums sums{partial, partial + chunks.count * channels};
  launch(stream, op, &norm_gradient_chunk<T, Source>, chunk_shape(chunks, channels), source,
         ConstRows<T>(x), NormGradientVectors(norm, out), Rows<T>(out.g),
         out.mode == GradMode::accumulate, rows, channels, chunks.rows_per_chunk, sums);
  launch_combine_norm_sums(stream, op, sums, chunks.count, rows, norm, out);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
