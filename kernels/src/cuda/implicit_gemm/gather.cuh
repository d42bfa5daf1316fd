// SPDX-License-Identifier: Apache-2.0
// The operand that is gathered from an image: rows are pixels of the result, and k runs over the
// filter's taps and, within a tap, over channels. Nothing is ever laid out as a matrix in memory.
#pragma once

#include <utility>

#include "accrete/kernels/problem.h"
#include "cuda/implicit_gemm/load_transform.cuh"
#include "cuda/implicit_gemm/main_loop.cuh"
#include "cuda/row_access.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Forward reads x at p * stride - pad + r; dgrad reads grad_y at (h + pad - r) / stride where that
/// divides.
enum class Direction : std::uint8_t { forward, dgrad };

/// Extents of a gather. Source is the image read from, result the one whose pixels are the rows.
struct GatherShape {
  std::int32_t source_h, source_w, channels;
  std::int32_t result_h, result_w;
  std::int32_t S;
  std::int32_t stride_h, stride_w, pad_h, pad_w;
  std::int64_t rows;  ///< pixels of the result
};

/// From image to results.
inline GatherShape forward_gather(const ConvProblem& p) {
  const auto narrow = [](std::int64_t extent) { return static_cast<std::int32_t>(extent); };
  return {narrow(p.H),     narrow(p.W),     narrow(p.C),         narrow(p.P()),
          narrow(p.Q()),   narrow(p.S),     narrow(p.stride_h),  narrow(p.stride_w),
          narrow(p.pad_h), narrow(p.pad_w), p.y_shape().pixels()};
}

/// From the gradients of the results back to those of the image.
inline GatherShape dgrad_gather(const ConvProblem& p) {
  GatherShape shape = forward_gather(p);
  std::swap(shape.source_h, shape.result_h);
  std::swap(shape.source_w, shape.result_w);
  shape.channels = static_cast<std::int32_t>(p.K);
  shape.rows = p.x_shape().pixels();
  return shape;
}

/// Where the taps of one row start, decoded once per block.
struct PixelRow {
  std::int32_t image;  ///< -1 behind the last row
  std::int32_t top, left;
};

template <Direction DIRECTION>
__device__ __forceinline__ PixelRow decode_row(const GatherShape& shape, std::int64_t row) {
  if (row >= shape.rows) {
    return {-1, 0, 0};
  }
  const auto column = static_cast<std::int32_t>(row % shape.result_w);
  const std::int64_t line = row / shape.result_w;
  const auto h = static_cast<std::int32_t>(line % shape.result_h);
  const auto image = static_cast<std::int32_t>(line / shape.result_h);
  if constexpr (DIRECTION == Direction::forward) {
    return {image, h * shape.stride_h - shape.pad_h, column * shape.stride_w - shape.pad_w};
  } else {
    return {image, h + shape.pad_h, column + shape.pad_w};
  }
}

/// Index of the source pixel of tap (r, s), or -1 where the tap falls outside.
template <Direction DIRECTION>
__device__ __forceinline__ std::int64_t source_pixel(const GatherShape& shape, const PixelRow& row,
                                                     std::int32_t r, std::int32_t s) {
  std::int32_t h = row.top + r;
  std::int32_t w = row.left + s;
  bool inside = row.image >= 0;
  if constexpr (DIRECTION == Direction::dgrad) {
    h = row.top - r;
    w = row.left - s;
    if (shape.stride_h != 1 || shape.stride_w != 1) {
      inside = inside && h % shape.stride_h == 0 && w % shape.stride_w == 0;
      h /= shape.stride_h;
      w /= shape.stride_w;
      inside = inside && row.top >= r && row.left >= s;
    }
  }
  inside = inside && h >= 0 && h < shape.source_h && w >= 0 && w < shape.source_w;
  return inside ? (static_cast<std::int64_t>(row.image) * shape.source_h + h) * shape.source_w + w
                : -1;
}

/// Steps of BK along k. VECTOR: every tap is cut into steps of its own, so that a step lies within
/// one tap. Else k is the flat index of (tap, channel), which wastes nothing on few channels.
template <bool VECTOR, int BK>
__device__ __forceinline__ int steps_along_taps(int taps, int channels) {
  return VECTOR ? taps * ((channels + BK - 1) / BK) : (taps * channels + BK - 1) / BK;
}

template <class T, int EXTENT, int BK, Direction DIRECTION, bool VECTOR,
          class Transform = KeepLoaded<T>>
struct GatherLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::k_contiguous>;
  static constexpr int kTiles = VECTOR ? Transform::kTiles : 1;
  static constexpr bool kInPlace = VECTOR && Transform::kActive;
  ConstRows<T> source;
  GatherShape shape;
  std::int32_t taps;
  const PixelRow* rows;  // of the block, in shared memory
  Transform change;

  __device__ __forceinline__ void load(int step, int line, int pack, T* shared) const {
    if constexpr (VECTOR) {
      const Place at = place(step, line, pack);
      const int count = at.pixel >= 0 ? Operand::kPackWidth : 0;
      const std::int64_t pixel = at.pixel >= 0 ? at.pixel : 0;
      copy_pack<true>(shared, source.at(pixel, at.channel), source.data, count);
      if constexpr (kTiles == 2) {
        copy_pack<true>(shared + Operand::kElements, change.y.at(pixel, at.channel), change.y.data,
                        count);
      }
    } else {
#pragma unroll
      for (int i = 0; i < Operand::kPackWidth; ++i) {
        shared[i] = element(step * BK + pack + i, rows[line]);
      }
    }
  }

  /// Taps outside the image stay zero.
  __device__ __forceinline__ void transform(int step, int line, int pack, T* shared) const {
    const Place at = place(step, line, pack);
    if (at.pixel >= 0) {
      transform_pack(change, shared, shared + Operand::kElements, at.channel);
    }
  }

 private:
  struct Place {
    std::int64_t pixel;  // -1: nothing is there
    std::int32_t channel;
  };
  __device__ __forceinline__ Place place(int step, int line, int pack) const {
    const int steps_per_tap = (shape.channels + BK - 1) / BK;
    const int tap = step / steps_per_tap;
    const int channel = step % steps_per_tap * BK + pack;
    if (channel >= shape.channels) {
      return {-1, 0};
    }
    return {source_pixel<DIRECTION>(shape, rows[line], tap / shape.S, tap % shape.S), channel};
  }

  __device__ __forceinline__ T element(int k, const PixelRow& row) const {
    const int tap = k / shape.channels;
    if (tap >= taps) {
      return from_float<T>(0.0F);
    }
    const std::int64_t pixel = source_pixel<DIRECTION>(shape, row, tap / shape.S, tap % shape.S);
    if (pixel < 0) {
      return from_float<T>(0.0F);
    }
    const std::int32_t channel = k - tap * shape.channels;
    const T value = *source.at(pixel, channel);
    if constexpr (!Transform::kActive) {
      return value;
    } else if constexpr (Transform::kTiles == 2) {
      return from_float<T>(
          change(to_float(value), to_float(*change.y.at(pixel, channel)), channel));
    } else {
      return from_float<T>(change(to_float(value), 0.0F, channel));
    }
  }
};

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
