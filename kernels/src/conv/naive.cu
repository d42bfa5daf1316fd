// SPDX-License-Identifier: Apache-2.0
// Every operand is read from global memory for every product: two elements per multiply-add, of
// which tiles of 128x32 need 1/51 and tiles of 128x128 1/128.
#include "conv/implementations.h"

#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {
namespace {

template <class T>
struct NaiveForward {
  static constexpr int kWidth = 1;
  ConvProblem p;
  std::int64_t P, Q;
  ConstRows<T> x;
  const T* weight;
  const float* bias;  // may be null
  Rows<T> y;

  __device__ void operator()(std::int64_t row, std::int64_t k) const {
    const std::int64_t top = row / Q % P * p.stride_h - p.pad_h;
    const std::int64_t left = row % Q * p.stride_w - p.pad_w;
    float sum = 0.0F;
    for (std::int64_t r = 0; r < p.R; ++r) {
      for (std::int64_t s = 0; s < p.S; ++s) {
        const std::int64_t h = top + r;
        const std::int64_t w = left + s;
        if (h < 0 || h >= p.H || w < 0 || w >= p.W) {
          continue;
        }
        const T* pixel = x.at((row / (P * Q) * p.H + h) * p.W + w, 0);
        const T* filter = weight + ((k * p.R + r) * p.S + s) * p.C;
        for (std::int64_t c = 0; c < p.C; ++c) {
          sum += to_float(pixel[c]) * to_float(filter[c]);
        }
      }
    }
    *y.at(row, k) = from_float<T>(bias != nullptr ? sum + bias[k] : sum);
  }
};

template <class T>
struct NaiveDgrad {
  static constexpr int kWidth = 1;
  ConvProblem p;
  std::int64_t P, Q;
  ConstRows<T> grad_y;
  const T* weight;
  Rows<T> grad_x;
  bool accumulate;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    const std::int64_t h = row / p.W % p.H + p.pad_h;
    const std::int64_t w = row % p.W + p.pad_w;
    float sum = 0.0F;
    for (std::int64_t r = 0; r < p.R; ++r) {
      for (std::int64_t s = 0; s < p.S; ++s) {
        const std::int64_t i = (h - r) / p.stride_h;
        const std::int64_t j = (w - s) / p.stride_w;
        const bool hit = h >= r && w >= s && i * p.stride_h == h - r && j * p.stride_w == w - s;
        if (!hit || i >= P || j >= Q) {
          continue;
        }
        const T* pixel = grad_y.at((row / (p.H * p.W) * P + i) * Q + j, 0);
        for (std::int64_t k = 0; k < p.K; ++k) {
          sum += to_float(pixel[k]) * to_float(weight[((k * p.R + r) * p.S + s) * p.C + c]);
        }
      }
    }
    T* result = grad_x.at(row, c);
    *result = from_float<T>(accumulate ? to_float(*result) + sum : sum);
  }
};

// Rows are the taps (k, r, s) of the weight.
template <class T>
struct NaiveWgrad {
  static constexpr int kWidth = 1;
  ConvProblem p;
  std::int64_t P, Q;
  ConstRows<T> x;
  ConstRows<T> grad_y;
  float* grad_weight;
  bool accumulate;

  __device__ void operator()(std::int64_t tap, std::int64_t c) const {
    const std::int64_t s = tap % p.S;
    const std::int64_t r = tap / p.S % p.R;
    const std::int64_t k = tap / (p.S * p.R);
    float sum = 0.0F;
    for (std::int64_t row = 0; row < p.N * P * Q; ++row) {
      const std::int64_t h = row / Q % P * p.stride_h - p.pad_h + r;
      const std::int64_t w = row % Q * p.stride_w - p.pad_w + s;
      if (h >= 0 && h < p.H && w >= 0 && w < p.W) {
        sum +=
            to_float(*x.at((row / (P * Q) * p.H + h) * p.W + w, c)) * to_float(*grad_y.at(row, k));
      }
    }
    float& result = grad_weight[tap * p.C + c];
    result = accumulate ? result + sum : sum;
  }
};

}  // namespace

void conv_forward_naive(const Stream& stream, const ConvForward& call) {
  const ConvProblem& p = call.problem;
  with_packs(call.x.dtype, false, [&]<class T, int V>() {
    const NaiveForward<T> body{p,
                               p.P(),
                               p.Q(),
                               ConstRows<T>(call.x),
                               static_cast<const T*>(call.weight.data),
                               call.bias.f32(),
                               Rows<T>(call.y)};
    launch_packs(stream, "conv_forward_naive", body, call.y.shape.pixels(), p.K);
  });
}

void conv_dgrad_naive(const Stream& stream, const ConvDgrad& call) {
  const ConvProblem& p = call.problem;
  const TensorView& grad_x = call.grad_x.g;
  with_packs(grad_x.dtype, false, [&]<class T, int V>() {
    const NaiveDgrad<T> body{p,
                             p.P(),
                             p.Q(),
                             ConstRows<T>(call.grad_y.g),
                             static_cast<const T*>(call.weight.data),
                             Rows<T>(grad_x),
                             call.grad_x.mode == GradMode::accumulate};
    launch_packs(stream, "conv_dgrad_naive", body, grad_x.shape.pixels(), p.C);
  });
}

void conv_wgrad_naive(const Stream& stream, const ConvWgrad& call) {
  const ConvProblem& p = call.problem;
  with_packs(call.x.dtype, false, [&]<class T, int V>() {
    const NaiveWgrad<T> body{p,
                             p.P(),
                             p.Q(),
                             ConstRows<T>(call.x),
                             ConstRows<T>(call.grad_y.g),
                             call.grad_weight.f32(),
                             call.mode == GradMode::accumulate};
    launch_packs(stream, "conv_wgrad_naive", body, p.K * p.R * p.S, p.C);
  });
}

}  // namespace accrete::kernels::cuda
