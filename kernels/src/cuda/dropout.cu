// SPDX-License-Identifier: Apache-2.0
// Dropout with the mask of the CPU backend. Floor: 2 (overwrite) or 3 (accumulate) elements moved
// per element; the ten Philox rounds per element are hidden behind that.
#include "cuda/dropout.h"

#include "cuda/philox.cuh"
#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

template <class T, int V>
struct Dropout {
  static constexpr int kWidth = V;
  ConstRows<T> x;
  Rows<T> y;
  std::int64_t channels;
  RandomKey key;
  float rate;
  float scale;
  bool accumulate;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    Pack<V> value = load_pack<T, V>(x.at(row, c));
    const auto first = static_cast<std::uint64_t>(row * channels + c);
#pragma unroll
    for (int i = 0; i < V; ++i) {
      const bool keep = philox_uniform(key, first + static_cast<std::uint64_t>(i)) >= rate;
      value.v[i] = keep ? value.v[i] * scale : 0.0F;
    }
    if (accumulate) {
      const Pack<V> sum = load_pack<T, V>(y.at(row, c));
#pragma unroll
      for (int i = 0; i < V; ++i) {
        value.v[i] += sum.v[i];
      }
    }
    store_pack<T, V>(y.at(row, c), value);
  }
};

void dropout(const Stream& stream, const char* op, float rate, const RandomKey& key,
             const ConstTensorView& x, const TensorView& y, GradMode mode) {
  with_packs(x.dtype, packs_fit(x) && packs_fit(y), [&]<class T, int V>() {
    const Dropout<T, V> body{ConstRows<T>(x),
                             Rows<T>(y),
                             x.shape.c,
                             key,
                             rate,
                             1.0F / (1.0F - rate),
                             mode == GradMode::accumulate};
    launch_packs(stream, op, body, x.shape.pixels(), x.shape.c);
  });
}

}  // namespace

void dropout_forward(const Stream& stream, float rate, const RandomKey& key, ConstTensorView x,
                     TensorView y) {
  dropout(stream, "dropout_forward", rate, key, x, y, GradMode::overwrite);
}

void dropout_backward(const Stream& stream, float rate, const RandomKey& key,
                      ConstTensorView grad_y, TensorView grad_x, GradMode mode) {
  dropout(stream, "dropout_backward", rate, key, grad_y, grad_x, mode);
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
