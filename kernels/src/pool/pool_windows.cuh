// SPDX-License-Identifier: Apache-2.0
// Which pixels a pooling window covers and which windows cover a pixel. Pixels are numbered in
// [N, H, W] order by 32 bits; who counts them checks that they suffice (walked_pitch).
#pragma once

#include "accrete/kernels/problem.h"
#include "cuda/divisor.h"

namespace accrete::kernels::cuda {

/// Half-open range.
struct Span {
  std::int32_t begin;
  std::int32_t end;
};

struct PoolAxis {
  Divisor input, output, stride;
  std::int32_t window, pad;

  /// The input position of tap 0 of window `p`.
  __device__ __forceinline__ std::int32_t origin(std::int32_t p) const {
    return p * static_cast<std::int32_t>(stride.value()) - pad;
  }
  /// Taps of window `p` inside the image.
  __device__ __forceinline__ Span taps(std::int32_t p) const {
    const std::int32_t room = static_cast<std::int32_t>(input.value()) - origin(p);
    return {origin(p) < 0 ? -origin(p) : 0, room < window ? room : window};
  }
  /// Windows that cover input position `h`.
  __device__ __forceinline__ Span windows(std::int32_t h) const {
    const std::int32_t first = h + pad - window + static_cast<std::int32_t>(stride.value());
    const auto last =
        static_cast<std::int32_t>(stride.divide(static_cast<std::uint32_t>(h + pad))) + 1;
    const auto outputs = static_cast<std::int32_t>(output.value());
    return {first <= 0
                ? 0
                : static_cast<std::int32_t>(stride.divide(static_cast<std::uint32_t>(first))),
            last < outputs ? last : outputs};
  }
  /// The position inside the image that is next to `h`.
  __device__ __forceinline__ std::int32_t inside(std::int32_t h) const {
    const std::int32_t last = static_cast<std::int32_t>(input.value()) - 1;
    return h < 0 ? 0 : h < last ? h : last;
  }
};

/// A pixel of [N, rows, columns].
struct PixelPlace {
  std::uint32_t image;
  std::int32_t row, column;

  __device__ __forceinline__ PixelPlace(std::uint32_t pixel, const Divisor& rows,
                                        const Divisor& columns) {
    const std::uint32_t line = columns.divide(pixel);
    column = static_cast<std::int32_t>(columns.rest(pixel, line));
    image = rows.divide(line);
    row = static_cast<std::int32_t>(rows.rest(line, image));
  }
};

struct PoolGeometry {
  PoolAxis vertical;
  PoolAxis horizontal;
  bool count_padding;

  explicit PoolGeometry(const PoolProblem& problem)
      : vertical(axis(problem.H, problem.P(), problem.R, problem.stride_h, problem.pad_h)),
        horizontal(axis(problem.W, problem.Q(), problem.S, problem.stride_w, problem.pad_w)),
        count_padding(problem.count_padding) {}

  __device__ __forceinline__ PixelPlace input_place(std::uint32_t pixel) const {
    return {pixel, vertical.input, horizontal.input};
  }
  __device__ __forceinline__ PixelPlace output_place(std::uint32_t pixel) const {
    return {pixel, vertical.output, horizontal.output};
  }
  __device__ __forceinline__ std::uint32_t input_pixel(std::uint32_t image, std::int32_t h,
                                                       std::int32_t w) const {
    return (image * vertical.input.value() + static_cast<std::uint32_t>(h)) *
               horizontal.input.value() +
           static_cast<std::uint32_t>(w);
  }
  __device__ __forceinline__ std::uint32_t output_pixel(std::uint32_t image, std::int32_t p,
                                                        std::int32_t q) const {
    return (image * vertical.output.value() + static_cast<std::uint32_t>(p)) *
               horizontal.output.value() +
           static_cast<std::uint32_t>(q);
  }
  /// The pixels of tile number `tile` of WINDOW x WINDOW, where output pixels stand for such tiles.
  template <int WINDOW>
  __device__ __forceinline__ void tile_pixels(std::uint32_t tile,
                                              std::uint32_t (&pixel)[WINDOW * WINDOW]) const {
    const PixelPlace at = output_place(tile);
    const std::uint32_t first = input_pixel(at.image, at.row * WINDOW, at.column * WINDOW);
#pragma unroll
    for (std::uint32_t i = 0; i < WINDOW * WINDOW; ++i) {
      pixel[i] = first + i / WINDOW * horizontal.input.value() + i % WINDOW;
    }
  }
  /// What the average of window (p, q) multiplies the sum by.
  __device__ __forceinline__ float share(std::int32_t p, std::int32_t q) const {
    const Span r = vertical.taps(p);
    const Span s = horizontal.taps(q);
    const std::int32_t taps =
        count_padding ? vertical.window * horizontal.window : (r.end - r.begin) * (s.end - s.begin);
    return 1.0F / static_cast<float>(taps);
  }

  /// The number of the first tap inside the image.
  __device__ __forceinline__ std::int32_t first_tap(const PixelPlace& at) const {
    return vertical.taps(at.row).begin * horizontal.window + horizontal.taps(at.column).begin;
  }
  /// Calls body(input pixel, tap) for the taps of the window at `at`, in raster order.
  template <class Body>
  __device__ __forceinline__ void for_each_tap(const PixelPlace& at, const Body& body) const {
    const Span r_taps = vertical.taps(at.row);
    const Span s_taps = horizontal.taps(at.column);
    const std::uint32_t origin =
        input_pixel(at.image, vertical.origin(at.row), horizontal.origin(at.column));
    for (std::int32_t r = r_taps.begin; r < r_taps.end; ++r) {
      for (std::int32_t s = s_taps.begin; s < s_taps.end; ++s) {
        body(origin + static_cast<std::uint32_t>(r) * horizontal.input.value() +
                 static_cast<std::uint32_t>(s),
             r * horizontal.window + s);
      }
    }
  }
  /// Calls body(output pixel, p, q, tap) for the windows that cover the input pixel `at`.
  template <class Body>
  __device__ __forceinline__ void for_each_window(const PixelPlace& at, const Body& body) const {
    const Span p_span = vertical.windows(at.row);
    const Span q_span = horizontal.windows(at.column);
    for (std::int32_t p = p_span.begin; p < p_span.end; ++p) {
      const std::int32_t r = at.row - vertical.origin(p);
      for (std::int32_t q = q_span.begin; q < q_span.end; ++q) {
        const std::int32_t s = at.column - horizontal.origin(q);
        body(output_pixel(at.image, p, q), p, q, r * horizontal.window + s);
      }
    }
  }

 private:
  static PoolAxis axis(std::int64_t input, std::int64_t output, std::int64_t window,
                       std::int64_t stride, std::int64_t pad) {
    return {Divisor(input), Divisor(output), Divisor(stride), static_cast<std::int32_t>(window),
            static_cast<std::int32_t>(pad)};
  }
};

}  // namespace accrete::kernels::cuda
