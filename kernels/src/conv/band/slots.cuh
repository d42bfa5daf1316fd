// SPDX-License-Identifier: Apache-2.0
// Slots: a numbering of pixels in which every tap of a convolution of stride 1 is a constant
// distance away, whatever the pixel.
//
// SIDE 1 (1x1): slots are pixels. SIDE 3 (3x3, padding 1): rows of all images stand one behind the
// other, a slot of zeros in front of each, a row of zero slots in front of each image and behind
// the last. With W columns and H rows, pixel (n, h, w) has slot (n (H + 1) + h + 1) (W + 1) + w +
// 1, and tap (r, s) of a result is (r - 1) (W + 1) + s - 1 slots further.
#pragma once

#include "accrete/kernels/problem.h"
#include "cuda/divisor.h"
#include "cuda/platform.cuh"

namespace accrete::kernels::cuda {

template <int SIDE>
class Slots {
 public:
  static constexpr int kTaps = SIDE * SIDE;
  static_assert(SIDE == 1 || SIDE == 3);

  explicit Slots(const ConvProblem& p)
      : images_(static_cast<std::uint32_t>(p.N)),
        width_(p.W),
        height_(p.H),
        row_slots_(p.W + 1),
        image_rows_(p.H + 1) {}

  /// Slots from one row of an image to the next.
  __host__ __device__ __forceinline__ int row_distance() const {
    return SIDE == 1 ? 0 : static_cast<int>(row_slots_.value());
  }
  /// Slots from a result to its first and to its last tap.
  __host__ __device__ __forceinline__ int reach() const {
    return SIDE == 1 ? 0 : row_distance() + 1;
  }
  /// Slots from the first tap to tap (r, s).
  __host__ __device__ __forceinline__ int tap_distance(int r, int s) const {
    return r * row_distance() + s;
  }
  /// Slots of all images.
  __host__ __device__ __forceinline__ std::int64_t count() const {
    const std::int64_t rows = static_cast<std::int64_t>(images_) * image_rows_.value() + 1;
    return SIDE == 1 ? pixels() : rows * row_slots_.value();
  }
  __host__ __device__ __forceinline__ std::int64_t pixels() const {
    return static_cast<std::int64_t>(images_) * height_.value() * width_.value();
  }

  __host__ __device__ __forceinline__ int of_pixel(int pixel) const {
    if constexpr (SIDE == 1) {
      return pixel;
    }
    const auto p = static_cast<std::uint32_t>(pixel);
    const std::uint32_t row = width_.divide(p);
    const std::uint32_t padded_row = row + height_.divide(row) + 1;
    return static_cast<int>(padded_row * row_slots_.value() + width_.rest(p, row) + 1);
  }
  /// -1 where a slot is no pixel. Slots behind the last one are none, negative ones are not
  /// allowed.
  __host__ __device__ __forceinline__ int pixel_of(int slot) const {
    if constexpr (SIDE == 1) {
      return slot < pixels() ? slot : -1;
    }
    const auto s = static_cast<std::uint32_t>(slot);
    const std::uint32_t padded_row = row_slots_.divide(s);
    const std::uint32_t column = row_slots_.rest(s, padded_row);
    const std::uint32_t image = image_rows_.divide(padded_row);
    const std::uint32_t row = image_rows_.rest(padded_row, image);
    const bool inside = column > 0 && row > 0 && image < images_;
    const std::uint32_t pixel = (image * height_.value() + row - 1) * width_.value() + column - 1;
    return inside ? static_cast<int>(pixel) : -1;
  }

  /// The most slots from the first tap of the first of `run` consecutive pixels to the last tap of
  /// the last one.
  std::int64_t most_in_band(std::int64_t run) const {
    if constexpr (SIDE == 1) {
      return run;
    }
    const std::int64_t w = width_.value();
    const std::int64_t area = w * height_.value();
    const std::int64_t rows_begun = (w - 1 + run - 1) / w;
    const std::int64_t images_begun = (area - 1 + run - 1) / area;
    return run + rows_begun + images_begun * (w + 1) + 2 * (w + 2);
  }

 private:
  std::uint32_t images_;
  Divisor width_, height_, row_slots_, image_rows_;
};

/// Whether a convolution can be computed on slots: stride 1, results of the size of the image, 1x1
/// or 3x3, and every slot has a number below 2^31.
inline int band_side(const ConvProblem& p) {
  const auto is = [&](int side) {
    return p.R == side && p.S == side && p.pad_h == side / 2 && p.pad_w == side / 2;
  };
  const bool small = (p.N * (p.H + 1) + 1) * (p.W + 1) < (std::int64_t{1} << 31);
  if (p.stride_h != 1 || p.stride_w != 1 || !small) {
    return 0;
  }
  return is(1) ? 1 : is(3) ? 3 : 0;
}

}  // namespace accrete::kernels::cuda
