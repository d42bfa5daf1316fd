// SPDX-License-Identifier: Apache-2.0
// Gradient of a bias: the sum of grad_y over its pixels. Floor: grad_y read once.
#include "cuda/chunk_combine.cuh"
#include "cuda/column_reduction.cuh"
#include "cuda/conv.h"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

struct BiasSum {
  using Rule = SumRule;
  float* grad_bias;
  bool accumulate;

  __device__ __forceinline__ void operator()(std::int64_t c, const Pair& sums,
                                             double /*rows*/) const {
    const auto sum = static_cast<float>(sums.first);
    grad_bias[c] = accumulate ? grad_bias[c] + sum : sum;
  }
};

template <class T>
__global__ void __launch_bounds__(kReduceLanes* kReduceRows)
    chunk_sums(ConstRows<T> grad_y, ChunkResults out, BiasSum sink) {
  ACCRETE_SHARED_ARRAY(float, scratch, [kReduceRows][kReduceLanes]);
  ACCRETE_SHARED_ARRAY(Pair, pairs, [kCombineThreads]);
  const ChunkPosition at(out.rows, out.rows_per_chunk);
  const bool inside = at.channel < out.channels;
  float sum = 0.0F;
  for (std::int64_t row = at.first_row; inside && row < at.end_row; row += kReduceRows) {
    sum += to_float(*grad_y.at(row, at.channel));
  }
  sum = column_sum(scratch, sum);
  if (inside && threadIdx.y == 0) {
    const std::int64_t index = blockIdx.y * out.channels + at.channel;
    out.chunk.first[index] = sum;
    out.chunk.second[index] = 0.0F;  // there is no second sum
  }
  combine_in_last_block<kReduceLanes>(out, blockIdx.y, at.channel - threadIdx.x, sink, pairs);
}

}  // namespace

void bias_grad(const Stream& stream, ConstTensorView grad_y, TensorView grad_bias, GradMode mode,
               Workspace workspace) {
  const std::int64_t rows = grad_y.shape.pixels();
  const std::int64_t channels = grad_y.shape.c;
  const RowChunks chunks = row_chunks(rows);
  const ChunkResults results =
      chunk_results(stream, "bias_grad", rows, chunks.rows_per_chunk, channels, workspace);
  const BiasSum sink{grad_bias.f32(), mode == GradMode::accumulate};
  with_packs(grad_y.dtype, false, [&]<class T, int V>() {
    launch(stream, "bias_grad", &chunk_sums<T>, chunk_shape(chunks, channels), ConstRows<T>(grad_y),
           results, sink);
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
