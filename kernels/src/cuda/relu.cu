// SPDX-License-Identifier: Apache-2.0
// ReLU. Floor: forward 2, backward 3 (overwrite) or 4 (accumulate) elements moved per element.
#include "call/backend.h"

#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {
namespace {

template <class T, int V>
struct ReluPacks {
  static constexpr int kWidth = V;
  ConstRows<T> x;
  Rows<T> y;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    Pack<V> value = load_pack<T, V>(x.at(row, c));
#pragma unroll
    for (int i = 0; i < V; ++i) {
      value.v[i] = value.v[i] < 0.0F ? 0.0F : value.v[i];  // NaN is not less: it stays
    }
    store_pack<T, V>(y.at(row, c), value);
  }
};

template <class T, int V>
struct ReluGradientPacks {
  static constexpr int kWidth = V;
  ConstRows<T> grad_y;
  ConstRows<T> y;
  Rows<T> grad_x;
  bool accumulate;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    Pack<V> gradient = load_pack<T, V>(grad_y.at(row, c));
    const Pack<V> output = load_pack<T, V>(y.at(row, c));
#pragma unroll
    for (int i = 0; i < V; ++i) {
      gradient.v[i] = output.v[i] > 0.0F ? gradient.v[i] : 0.0F;
    }
    if (accumulate) {
      const Pack<V> sum = load_pack<T, V>(grad_x.at(row, c));
#pragma unroll
      for (int i = 0; i < V; ++i) {
        gradient.v[i] += sum.v[i];
      }
    }
    store_pack<T, V>(grad_x.at(row, c), gradient);
  }
};

}  // namespace

const char* run(const Stream& stream, const ReluForward& call, const Workspace& /*workspace*/) {
  const ConstTensorView& x = call.x;
  with_packs(x.dtype, packs_fit(x) && packs_fit(call.y), [&]<class T, int V>() {
    const ReluPacks<T, V> body{ConstRows<T>(x), Rows<T>(call.y)};
    launch_packs(stream, call.kName, body, x.shape.pixels(), x.shape.c);
  });
  return "packs";
}

const char* run(const Stream& stream, const ReluBackward& call, const Workspace& /*workspace*/) {
  const ConstTensorView& y = call.y;
  const bool packs = packs_fit(call.grad_y) && packs_fit(y) && packs_fit(call.grad_x);
  with_packs(y.dtype, packs, [&]<class T, int V>() {
    const ReluGradientPacks<T, V> body{ConstRows<T>(call.grad_y), ConstRows<T>(y),
                                       Rows<T>(call.grad_x), call.mode == GradMode::accumulate};
    launch_packs(stream, call.kName, body, y.shape.pixels(), y.shape.c);
  });
  return "packs";
}

}  // namespace accrete::kernels::cuda
