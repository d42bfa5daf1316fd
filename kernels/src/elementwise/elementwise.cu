// SPDX-License-Identifier: Apache-2.0
// Copy, add, fill and cast. Floor: every operand read or written once.
#include "accrete/kernels/elementwise.h"

#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {
namespace {

template <class From, class To, int V>
struct CopyPacks {
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
struct AddPacks {
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
struct FillPacks {
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

template <class From, class To, int V>
void copy_packs(const Stream& stream, const Copy& call) {
  const CopyPacks<From, To, V> body{ConstRows<From>(call.src), Rows<To>(call.dst),
                                    call.mode == GradMode::accumulate};
  launch_packs(stream, call.kName, body, call.dst.shape.pixels(), call.dst.shape.c);
}

}  // namespace

const char* run(const Stream& stream, const Copy& call, const Workspace& /*workspace*/) {
  if (call.src.dtype == call.dst.dtype) {
    with_packs(call.src.dtype, packs_fit(call.src) && packs_fit(call.dst),
               [&]<class T, int V>() { copy_packs<T, T, V>(stream, call); });
    return "packs";
  }
  call.src.dtype == DType::f32 ? copy_packs<float, bf16, 1>(stream, call)
                               : copy_packs<bf16, float, 1>(stream, call);
  return "elements";
}

const char* run(const Stream& stream, const Add& call, const Workspace& /*workspace*/) {
  const bool packs = packs_fit(call.a) && packs_fit(call.b) && packs_fit(call.y);
  with_packs(call.a.dtype, packs, [&]<class T, int V>() {
    const AddPacks<T, V> body{ConstRows<T>(call.a), ConstRows<T>(call.b), Rows<T>(call.y)};
    launch_packs(stream, call.kName, body, call.a.shape.pixels(), call.a.shape.c);
  });
  return "packs";
}

const char* run(const Stream& stream, const Fill& call, const Workspace& /*workspace*/) {
  with_packs(call.dst.dtype, packs_fit(call.dst), [&]<class T, int V>() {
    const FillPacks<T, V> body{Rows<T>(call.dst), call.value};
    launch_packs(stream, call.kName, body, call.dst.shape.pixels(), call.dst.shape.c);
  });
  return "packs";
}

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
