// SPDX-License-Identifier: Apache-2.0
// From rows and taps of an implicit GEMM to pixels of the image that is read and of the result, by
// divisions that the host has prepared.
//
// Forward reads x at p * stride - pad + r. The gradient of the data reads grad_y at
// (h + pad - r) / stride where that divides, so pixels h with the same h mod stride, a phase, have
// the same taps: r = first, first + stride, ..., at grad_y's pixels top, top - 1, ... A phase is a
// problem of its own, in which nothing is multiplied with zeros between pixels.
#pragma once

#include "accrete/kernels/problem.h"
#include "cuda/divisor.h"
#include "cuda/platform.cuh"

namespace accrete::kernels::cuda {

enum class Direction : std::uint8_t { forward, dgrad };

/// Where the taps of one row start: a pixel's number, below 2^31, and its coordinates. They may be
/// outside the image.
struct alignas(16) PixelRow {
  std::int32_t pixel;
  std::int32_t top, left;
};

/// What a tap adds to that.
struct TapPlace {
  std::int32_t pixel;
  std::int32_t down, right;
};

/// The same for an element of a tap, whose tensor is known. Tables of these are read as vectors.
struct alignas(16) TapElement {
  std::int32_t offset;  ///< of elements
  std::int32_t down, right;
  std::int32_t channel;
};

/// Far outside of every image.
constexpr std::int32_t kNowhere = -(1 << 30);

/// One axis of a walk: result i is at first + i * step, its taps start at start + i * stride in the
/// source, and tap t is number filter_first + t * filter_step of the filter, which is read at
/// direction * t from the start.
struct WalkAxis {
  std::int32_t source, result, count;
  std::int32_t first, step;
  std::int32_t start, stride;
  std::int32_t filter_first, filter_step, taps;

  static WalkAxis forward(std::int64_t source, std::int64_t result, std::int64_t stride,
                          std::int64_t pad, std::int64_t filter) {
    return {
        narrow(source), narrow(result), narrow(result), 0, 1, narrow(-pad), narrow(stride), 0, 1,
        narrow(filter)};
  }
  static WalkAxis phase(std::int64_t source, std::int64_t result, std::int64_t stride,
                        std::int64_t pad, std::int64_t filter, std::int64_t phase) {
    const std::int64_t first_tap = (phase + pad) % stride;
    return {narrow(source),
            narrow(result),
            narrow(result > phase ? (result - phase + stride - 1) / stride : 0),
            narrow(phase),
            narrow(stride),
            narrow((phase + pad) / stride),
            1,
            narrow(first_tap),
            narrow(stride),
            narrow(filter > first_tap ? (filter - first_tap + stride - 1) / stride : 0)};
  }

 private:
  static std::int32_t narrow(std::int64_t extent) { return static_cast<std::int32_t>(extent); }
};

class ImageWalk {
 public:
  /// From image to results.
  static ImageWalk forward(const ConvProblem& p) {
    return {WalkAxis::forward(p.H, p.P(), p.stride_h, p.pad_h, p.R),
            WalkAxis::forward(p.W, p.Q(), p.stride_w, p.pad_w, p.S), p, p.C, 1};
  }
  /// From the gradients of the results back to those pixels of the image whose coordinates have
  /// these remainders.
  static ImageWalk dgrad(const ConvProblem& p, std::int64_t phase_h, std::int64_t phase_w) {
    return {WalkAxis::phase(p.P(), p.H, p.stride_h, p.pad_h, p.R, phase_h),
            WalkAxis::phase(p.Q(), p.W, p.stride_w, p.pad_w, p.S, phase_w), p, p.K, -1};
  }

  __host__ __device__ __forceinline__ std::int64_t rows() const { return rows_; }
  __device__ __forceinline__ int taps() const { return vertical_.taps * horizontal_.taps; }
  __host__ __device__ __forceinline__ int channels() const {
    return static_cast<int>(channels_.value());
  }

  __device__ __forceinline__ PixelRow row(std::uint32_t number) const {
    const Place at = place(number);
    const std::int32_t top = at.i * vertical_.stride + vertical_.start;
    const std::int32_t left = at.j * horizontal_.stride + horizontal_.start;
    return {(at.image * vertical_.source + top) * horizontal_.source + left,
            number < rows_ ? top : kNowhere, left};
  }
  /// The number of that row's result among all pixels; -1 behind the last row.
  __device__ __forceinline__ std::int32_t result_pixel(std::uint32_t number) const {
    const Place at = place(number);
    const std::int32_t h = at.i * vertical_.step + vertical_.first;
    const std::int32_t w = at.j * horizontal_.step + horizontal_.first;
    return number < rows_ ? (at.image * vertical_.result + h) * horizontal_.result + w : -1;
  }

  __device__ __forceinline__ TapPlace tap_place(int tap) const {
    const auto t = static_cast<std::uint32_t>(tap);
    const std::uint32_t r = taps_across_.divide(t);
    const std::int32_t down = direction_ * static_cast<std::int32_t>(r);
    const std::int32_t right = direction_ * static_cast<std::int32_t>(taps_across_.rest(t, r));
    return {down * horizontal_.source + right, tap < taps() ? down : kNowhere, right};
  }
  /// Of the flat index of (tap, channel), in a tensor whose pixels are `pitch` elements apart.
  __device__ __forceinline__ TapElement tap_element(int index, std::int32_t pitch) const {
    const auto i = static_cast<std::uint32_t>(index);
    const std::uint32_t tap = channels_.divide(i);
    const auto channel = static_cast<std::int32_t>(channels_.rest(i, tap));
    const TapPlace place = tap_place(static_cast<int>(tap));
    return {place.pixel * pitch + channel, place.down, place.right, channel};
  }
  /// The tap's number in the filter.
  __device__ __forceinline__ int filter_tap(int tap) const {
    const auto t = static_cast<std::uint32_t>(tap);
    const std::uint32_t r = taps_across_.divide(t);
    const auto s = static_cast<std::int32_t>(taps_across_.rest(t, r));
    return (vertical_.filter_first + static_cast<std::int32_t>(r) * vertical_.filter_step) *
               filter_width_ +
           horizontal_.filter_first + s * horizontal_.filter_step;
  }

  template <class Tap>
  __device__ __forceinline__ bool inside(const PixelRow& row, const Tap& tap) const {
    return is_below(row.top + tap.down, vertical_.source) &&
           is_below(row.left + tap.right, horizontal_.source);
  }

 private:
  struct Place {
    std::int32_t image, i, j;
  };

  WalkAxis vertical_, horizontal_;
  std::int32_t direction_, filter_width_;
  std::uint32_t rows_;
  Divisor count_down_, count_across_, taps_across_, channels_;

  ImageWalk(const WalkAxis& vertical, const WalkAxis& horizontal, const ConvProblem& p,
            std::int64_t channels, std::int32_t direction)
      : vertical_(vertical),
        horizontal_(horizontal),
        direction_(direction),
        filter_width_(static_cast<std::int32_t>(p.S)),
        rows_(static_cast<std::uint32_t>(p.N * vertical.count * horizontal.count)),
        count_down_(at_least_one(vertical.count)),
        count_across_(at_least_one(horizontal.count)),
        taps_across_(at_least_one(horizontal.taps)),
        channels_(channels) {}

  static std::int64_t at_least_one(std::int32_t count) { return count < 1 ? 1 : count; }

  __device__ __forceinline__ Place place(std::uint32_t number) const {
    const std::uint32_t line = count_across_.divide(number);
    const std::uint32_t image = count_down_.divide(line);
    return {static_cast<std::int32_t>(image),
            static_cast<std::int32_t>(count_down_.rest(line, image)),
            static_cast<std::int32_t>(count_across_.rest(number, line))};
  }
  /// And not negative.
  __device__ static __forceinline__ bool is_below(std::int32_t i, std::int32_t end) {
    return static_cast<std::uint32_t>(i) < static_cast<std::uint32_t>(end);
  }
};

/// Pixels [begin, end) of the result, which a block sums over.
struct PixelRange {
  std::uint32_t begin, end;

  /// The i-th pixel's row; behind the last pixel, the taps are nowhere.
  __device__ __forceinline__ PixelRow row(const ImageWalk& walk, int i) const {
    const std::uint32_t pixel = begin + static_cast<std::uint32_t>(i);
    PixelRow row = walk.row(pixel);
    row.top = pixel < end ? row.top : kNowhere;
    return row;
  }
};

}  // namespace accrete::kernels::cuda
