// SPDX-License-Identifier: Apache-2.0
// Dropout with the mask of the CPU backend. Floor: 2 (overwrite) or 3 (accumulate) elements moved
// per element; the ten Philox rounds per element are hidden behind that.
#include "accrete/kernels/elementwise.h"

#include "cuda/row_access.cuh"
#include "elementwise/philox.cuh"

namespace accrete::kernels::cuda {
namespace {

template <class T, int V>
struct DropoutPacks {
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

}  // namespace

const char* run(const Stream& stream, const Dropout& call, const Workspace& /*workspace*/) {
  const ConstTensorView& x = call.x;
  with_packs(x.dtype, packs_fit(x) && packs_fit(call.y), [&]<class T, int V>() {
    const DropoutPacks<T, V> body{ConstRows<T>(x),
                                  Rows<T>(call.y),
                                  x.shape.c,
                                  call.key,
                                  call.rate,
                                  1.0F / (1.0F - call.rate),
                                  call.mode == GradMode::accumulate};
    launch_packs(stream, call.kName, body, x.shape.pixels(), x.shape.c);
  });
  return "packs";
}

}  // namespace accrete::kernels::cuda
