// SPDX-License-Identifier: Apache-2.0
// Gradient of a bias: the sum of grad_y over its pixels. Floor: grad_y read once.
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

template <class T, bool ALIGNED>
struct Summands {
  using Channels = ChannelPack<T, ALIGNED>;
  ConstColumns<T, ALIGNED> grad_y;

  __device__ __forceinline__ Summands column(const Channels& channels) const {
    return {grad_y.at(channels)};
  }
  __device__ __forceinline__ void operator()(std::uint32_t row,
                                             ColumnSums<kPackWidth<T>>& sums) const {
    const PackOf<T> value = grad_y.load(row);
#pragma unroll
    for (int i = 0; i < kPackWidth<T>; ++i) {
      sums.first.v[i] += value.v[i];
    }
  }
  // There is no second sum.
  __device__ __forceinline__ void finish(ColumnSums<kPackWidth<T>>& /*sums*/) const {}
};

}  // namespace

void bias_grad(const Stream& stream, ConstTensorView grad_y, TensorView grad_bias, GradMode mode,
               Workspace workspace) {
  const std::int64_t rows = grad_y.shape.pixels();
  const BiasSum sink{grad_bias.f32(), mode == GradMode::accumulate};
  with_columns(grad_y.dtype, packs_fit(grad_y), [&]<class T, bool ALIGNED>() {
    launch_sums(stream, "bias_grad", Summands<T, ALIGNED>{ConstColumns<T, ALIGNED>(grad_y)}, rows,
                rows, grad_y.shape.c, sink, workspace);
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
