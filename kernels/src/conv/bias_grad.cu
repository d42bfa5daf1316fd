// SPDX-License-Identifier: Apache-2.0
// Gradient of a bias: the sum of grad_y over its pixels. Floor: grad_y read once.
#include "accrete/kernels/conv.h"
#include "cuda/column_reduction.cuh"

namespace accrete::kernels::cuda {
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

const char* run(const Stream& stream, const BiasGrad& call, const Workspace& workspace) {
  const ConstTensorView& grad_y = call.grad_y;
  const std::int64_t rows = grad_y.shape.pixels();
  const BiasSum sink{call.grad_bias.f32(), call.mode == GradMode::accumulate};
  with_columns(grad_y.dtype, packs_fit(grad_y), [&]<class T, bool ALIGNED>() {
    launch_sums(stream, call.kName, Summands<T, ALIGNED>{ConstColumns<T, ALIGNED>(grad_y)}, rows,
                rows, grad_y.shape.c, sink, workspace);
  });
  return "columns";
}

}  // namespace accrete::kernels::cuda
