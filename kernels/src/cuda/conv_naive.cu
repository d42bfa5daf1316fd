// SPDX-License-Identifier: Apache-2.0
// Every operand is read from global memory for every product: 8 bytes per multiply-add against 1/16
// to 1/64 of that in the tiled kernels.
#include "cuda/conv_naive.h"

#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
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

void conv_forward_naive(const Stream& stream, const ConvProblem& problem, const ConstTensorView& x,
                        const ConstTensorView& weight, const ConstTensorView& bias,
                        const TensorView& y) {
  with_packs(x.dtype, false, [&]<class T, int V>() {
    const NaiveForward<T> body{
        problem,    problem.P(), problem.Q(), ConstRows<T>(x), static_cast<const T*>(weight.data),
        bias.f32(), Rows<T>(y)};
    launch_packs(stream, "conv_forward_naive", body, y.shape.pixels(), problem.K);
  });
}

void conv_dgrad_naive(const Stream& stream, const ConvProblem& problem,
                      const ConstTensorView& grad_y, const ConstTensorView& weight,
                      const TensorView& grad_x, GradMode mode) {
  with_packs(grad_y.dtype, false, [&]<class T, int V>() {
    const NaiveDgrad<T> body{problem,
                             problem.P(),
                             problem.Q(),
                             ConstRows<T>(grad_y),
                             static_cast<const T*>(weight.data),
                             Rows<T>(grad_x),
                             mode == GradMode::accumulate};
    launch_packs(stream, "conv_dgrad_naive", body, grad_x.shape.pixels(), problem.C);
  });
}

void conv_wgrad_naive(const Stream& stream, const ConvProblem& problem, const ConstTensorView& x,
                      const ConstTensorView& grad_y, const TensorView& grad_weight, GradMode mode) {
  with_packs(x.dtype, false, [&]<class T, int V>() {
    const NaiveWgrad<T> body{problem,
                             problem.P(),
                             problem.Q(),
                             ConstRows<T>(x),
                             ConstRows<T>(grad_y),
                             grad_weight.f32(),
                             mode == GradMode::accumulate};
    launch_packs(stream, "conv_wgrad_naive", body, problem.K * problem.R * problem.S, problem.C);
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
