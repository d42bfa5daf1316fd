// SPDX-License-Identifier: Apache-2.0
// Copy, add, fill and cast. Floor: every operand read or written once.
#include "cuda/elementwise.h"

#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

template <class From, class To, int V>
struct Copy {
  static constexpr int kWidth = V;
  ConstRows<From> src;
  Rows<To> dst;
  bool accumulate;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    Pack<V> value = load_pack<From, V>(src.at(row, c));
    if (accumulate) {
      const Pack<V> sum = load_pack<To, V>(dst.at(row, c));
#pragma unroll
      for (int i = 0; i < V; ++i) {
        value.v[i] += sum.v[i];
      }
    }
    store_pack<To, V>(dst.at(row, c), value);
  }
};

template <class T, int V>
struct Add {
  static constexpr int kWidth = V;
  ConstRows<T> a;
  ConstRows<T> b;
  Rows<T> y;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    Pack<V> sum = load_pack<T, V>(a.at(row, c));
    const Pack<V> other = load_pack<T, V>(b.at(row, c));
#pragma unroll
    for (int i = 0; i < V; ++i) {
      sum.v[i] += other.v[i];
    }
    store_pack<T, V>(y.at(row, c), sum);
  }
};

template <class T, int V>
struct Fill {
  static constexpr int kWidth = V;
  Rows<T> dst;
  float value;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    Pack<V> pack;
#pragma unroll
    for (int i = 0; i < V; ++i) {
      pack.v[i] = value;
    }
    store_pack<T, V>(dst.at(row, c), pack);
  }
};

}  // namespace

void copy(const Stream& stream, ConstTensorView src, TensorView dst, GradMode mode) {
  with_packs(src.dtype, packs_fit(src) && packs_fit(dst), [&]<class T, int V>() {
    const Copy<T, T, V> body{ConstRows<T>(src), Rows<T>(dst), mode == GradMode::accumulate};
    launch_packs(stream, "copy", body, src.shape.pixels(), src.shape.c);
  });
}

void add(const Stream& stream, ConstTensorView a, ConstTensorView b, TensorView y) {
  with_packs(a.dtype, packs_fit(a) && packs_fit(b) && packs_fit(y), [&]<class T, int V>() {
    const Add<T, V> body{ConstRows<T>(a), ConstRows<T>(b), Rows<T>(y)};
    launch_packs(stream, "add", body, a.shape.pixels(), a.shape.c);
  });
}

void fill(const Stream& stream, TensorView dst, float value) {
  with_packs(dst.dtype, packs_fit(dst), [&]<class T, int V>() {
    launch_packs(stream, "fill", Fill<T, V>{Rows<T>(dst), value}, dst.shape.pixels(), dst.shape.c);
  });
}

void cast(const Stream& stream, ConstTensorView src, TensorView dst) {
  if (src.dtype == dst.dtype) {
    copy(stream, src, dst, GradMode::overwrite);
  } else if (src.dtype == DType::f32) {
    const Copy<float, bf16, 1> body{ConstRows<float>(src), Rows<bf16>(dst), false};
    launch_packs(stream, "cast", body, src.shape.pixels(), src.shape.c);
  } else {
    const Copy<bf16, float, 1> body{ConstRows<bf16>(src), Rows<float>(dst), false};
    launch_packs(stream, "cast", body, src.shape.pixels(), src.shape.c);
  }
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
