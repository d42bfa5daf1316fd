// SPDX-License-Identifier: Apache-2.0
// Pooling of tensors that are normalised on load. Floor: x read once, the pooled tensor written
// once; backward x and the pooled gradient read once, g written once (read too when accumulating).
#include "cuda/norm_gradient.cuh"
#include "cuda/norm_relu.h"
#include "cuda/pool_windows.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {
namespace {

// A pixel of [N, rows, columns].
struct PixelPlace {
  std::int64_t image;
  std::int32_t row, column;

  __device__ __forceinline__ PixelPlace(std::int64_t pixel, std::int32_t rows,
                                        std::int32_t columns) {
    const std::int64_t line = pixel / columns;
    column = static_cast<std::int32_t>(pixel - line * columns);
    image = line / rows;
    row = static_cast<std::int32_t>(line - image * rows);
  }
};

// Calls body(input pixel, tap) for the taps of the window at `at`, in raster order.
template <class Body>
__device__ __forceinline__ void for_each_tap(const PoolGeometry& geometry, const PixelPlace& at,
                                             const Body& body) {
  const PoolAxis& v = geometry.vertical;
  const PoolAxis& h = geometry.horizontal;
  const Span r_taps = v.taps(at.row);
  const Span s_taps = h.taps(at.column);
  for (std::int32_t r = r_taps.begin; r < r_taps.end; ++r) {
    const std::int64_t line = at.image * v.input + at.row * v.stride - v.pad + r;
    for (std::int32_t s = s_taps.begin; s < s_taps.end; ++s) {
      body(line * h.input + at.column * h.stride - h.pad + s, r * h.window + s);
    }
  }
}

// Calls body(output pixel, p, q, tap) for the windows that cover the input pixel `at`.
template <class Body>
__device__ __forceinline__ void for_each_window(const PoolGeometry& geometry, const PixelPlace& at,
                                                const Body& body) {
  const PoolAxis& v = geometry.vertical;
  const PoolAxis& h = geometry.horizontal;
  const Span p_span = v.windows(at.row);
  const Span q_span = h.windows(at.column);
  for (std::int32_t p = p_span.begin; p < p_span.end; ++p) {
    const std::int32_t r = at.row + v.pad - p * v.stride;
    for (std::int32_t q = q_span.begin; q < q_span.end; ++q) {
      const std::int32_t s = at.column + h.pad - q * h.stride;
      body((at.image * v.output + p) * h.output + q, p, q, r * h.window + s);
    }
  }
}

template <class T>
struct AverageForward {
  static constexpr int kWidth = 1;
  PoolGeometry geometry;
  ConstRows<T> x;
  NormVectors norm;
  Rows<T> y;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    const PixelPlace at(row, geometry.vertical.output, geometry.horizontal.output);
    const float scale = norm.scale(c);
    const float shift = norm.shift(c);
    float sum = 0.0F;
    for_each_tap(geometry, at, [&](std::int64_t pixel, std::int32_t /*tap*/) {
      sum += norm_relu(to_float(*x.at(pixel, c)), scale, shift);
    });
    const float taps =
        geometry.taps_counted(geometry.vertical.taps(at.row), geometry.horizontal.taps(at.column));
    *y.at(row, c) = from_float<T>(sum / taps);
  }
};

template <class T>
struct AverageSource {
  PoolGeometry geometry;
  ConstRows<T> grad_y;

  __device__ float operator()(std::int64_t row, std::int64_t c) const {
    const PixelPlace at(row, geometry.vertical.input, geometry.horizontal.input);
    float sum = 0.0F;
    for_each_window(geometry, at,
                    [&](std::int64_t pixel, std::int32_t p, std::int32_t q, std::int32_t /*tap*/) {
                      sum += to_float(*grad_y.at(pixel, c)) /
                             geometry.taps_counted(geometry.vertical.taps(p),
                                                   geometry.horizontal.taps(q));
                    });
    return sum;
  }
};

// One thread per image and channel: images are small where this is used, at the end of a net.
template <class T>
struct GlobalAverageForward {
  static constexpr int kWidth = 1;
  ConstRows<T> x;
  NormVectors norm;
  Rows<T> y;
  std::int64_t pixels;

  __device__ void operator()(std::int64_t image, std::int64_t c) const {
    const float scale = norm.scale(c);
    const float shift = norm.shift(c);
    float sum = 0.0F;
    for (std::int64_t i = 0; i < pixels; ++i) {
      sum += norm_relu(to_float(*x.at(image * pixels + i, c)), scale, shift);
    }
    *y.at(image, c) = from_float<T>(sum / static_cast<float>(pixels));
  }
};

template <class T>
struct GlobalAverageSource {
  ConstRows<T> grad_y;
  std::int64_t pixels;

  __device__ float operator()(std::int64_t row, std::int64_t c) const {
    return to_float(*grad_y.at(row / pixels, c)) / static_cast<float>(pixels);
  }
};

template <class T>
struct MaxForward {
  static constexpr int kWidth = 1;
  PoolGeometry geometry;
  ConstRows<T> x;
  NormVectors norm;
  Rows<T> y;
  std::uint8_t* winner;  // may be null
  std::int64_t channels;

  __device__ void operator()(std::int64_t row, std::int64_t c) const {
    const PixelPlace at(row, geometry.vertical.output, geometry.horizontal.output);
    const float scale = norm.scale(c);
    const float shift = norm.shift(c);
    float best = -INFINITY;
    std::int32_t index = geometry.vertical.taps(at.row).begin * geometry.horizontal.window +
                         geometry.horizontal.taps(at.column).begin;
    for_each_tap(geometry, at, [&](std::int64_t pixel, std::int32_t tap) {
      // What is compared is what a stored tensor would hold.
      const float value =
          to_float(from_float<T>(norm_relu(to_float(*x.at(pixel, c)), scale, shift)));
      // "Not less or equal" holds for the first NaN, and no longer once the best is NaN.
      if (best == best && !(value <= best)) {
        best = value;
        index = tap;
      }
    });
    *y.at(row, c) = from_float<T>(best);
    if (winner != nullptr) {
      winner[row * channels + c] = static_cast<std::uint8_t>(index);
    }
  }
};

template <class T>
struct MaxSource {
  PoolGeometry geometry;
  ConstRows<T> g;
  ConstRows<T> y;
  DeferredVectors due;
  const std::uint8_t* winner;
  std::int64_t channels;

  __device__ float operator()(std::int64_t row, std::int64_t c) const {
    const PixelPlace at(row, geometry.vertical.input, geometry.horizontal.input);
    const float p_factor = due.p(c);
    const float q_factor = due.q(c);
    const float r_term = due.r(c);
    float sum = 0.0F;
    for_each_window(
        geometry, at,
        [&](std::int64_t pixel, std::int32_t /*p*/, std::int32_t /*q*/, std::int32_t tap) {
          if (winner[pixel * channels + c] == tap) {
            sum += applied(to_float(*g.at(pixel, c)), to_float(*y.at(pixel, c)), p_factor, q_factor,
                           r_term);
          }
        });
    return sum;
  }
};

}  // namespace

void norm_relu_average_pool_forward(const Stream& stream, const PoolProblem& problem,
                                    ConstTensorView x, const NormRelu& norm, TensorView y) {
  with_packs(x.dtype, false, [&]<class T, int V>() {
    const AverageForward<T> body{PoolGeometry(problem), ConstRows<T>(x), NormVectors(norm),
                                 Rows<T>(y)};
    launch_packs(stream, "norm_relu_average_pool_forward", body, y.shape.pixels(), y.shape.c);
  });
}

void norm_relu_average_pool_backward(const Stream& stream, const PoolProblem& problem,
                                     ConstTensorView grad_y, ConstTensorView x,
                                     const NormRelu& norm, const NormReluGradient& out,
                                     Workspace workspace) {
  with_packs(x.dtype, false, [&]<class T, int V>() {
    launch_norm_gradient<T>(stream, "norm_relu_average_pool_backward",
                            AverageSource<T>{PoolGeometry(problem), ConstRows<T>(grad_y)}, x, norm,
                            out, workspace);
  });
}

void norm_relu_global_average_pool_forward(const Stream& stream, ConstTensorView x,
                                           const NormRelu& norm, TensorView y) {
  with_packs(x.dtype, false, [&]<class T, int V>() {
    const GlobalAverageForward<T> body{ConstRows<T>(x), NormVectors(norm), Rows<T>(y),
                                       x.shape.h * x.shape.w};
    launch_packs(stream, "norm_relu_global_average_pool_forward", body, x.shape.n, x.shape.c);
  });
}

void norm_relu_global_average_pool_backward(const Stream& stream, ConstTensorView grad_y,
                                            ConstTensorView x, const NormRelu& norm,
                                            const NormReluGradient& out, Workspace workspace) {
  with_packs(x.dtype, false, [&]<class T, int V>() {
    launch_norm_gradient<T>(stream, "norm_relu_global_average_pool_backward",
                            GlobalAverageSource<T>{ConstRows<T>(grad_y), x.shape.h * x.shape.w}, x,
                            norm, out, workspace);
  });
}

void norm_relu_max_pool_forward(const Stream& stream, const PoolProblem& problem, ConstTensorView x,
                                const NormRelu& norm, TensorView y, TensorView winner,
                                const StatisticsOutput& statistics, Workspace workspace) {
  with_packs(x.dtype, false, [&]<class T, int V>() {
    const MaxForward<T> body{PoolGeometry(problem), ConstRows<T>(x), NormVectors(norm), Rows<T>(y),
                             winner.u8(),           problem.C};
    launch_packs(stream, "norm_relu_max_pool_forward", body, y.shape.pixels(), y.shape.c);
  });
  if (statistics) {
    // The workspace is that of x, and padding can make y the larger one.
    const RowChunks chunks = row_chunks(y.shape.pixels(), row_chunks(x.shape.pixels()).count);
    channel_statistics_in_chunks(stream, y, chunks, statistics, workspace);
  }
}

void norm_relu_max_pool_backward(const Stream& stream, const PoolProblem& problem,
                                 const DeferredGradient& grad_y, ConstTensorView winner,
                                 ConstTensorView x, const NormRelu& norm,
                                 const NormReluGradient& out, Workspace workspace) {
  with_packs(x.dtype, false, [&]<class T, int V>() {
    const MaxSource<T> source{PoolGeometry(problem),
                              ConstRows<T>(grad_y.g),
                              ConstRows<T>(companion(grad_y)),
                              DeferredVectors(grad_y),
                              winner.u8(),
                              problem.C};
    launch_norm_gradient<T>(stream, "norm_relu_max_pool_backward", source, x, norm, out, workspace);
  });
}

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
