// SPDX-License-Identifier: Apache-2.0
// The two operands of the weight gradient, whose k are pixels.
#pragma once

#include "cuda/implicit_gemm/gather.cuh"

namespace accrete::kernels::cuda {
inline namespace ACCRETE_CUDA_ABI {

/// Pixels [begin, end) of the range of this block.
struct PixelRange {
  std::int64_t begin, end;
};

/// grad_y: a line is a pixel, its filters are contiguous.
template <class T, int EXTENT, int BK, bool VECTOR, class Transform>
struct GradientLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  static constexpr int kTiles = VECTOR ? Transform::kTiles : 1;
  static constexpr bool kInPlace = VECTOR && Transform::kActive;
  ConstRows<T> grad_y;
  std::int64_t filters;
  std::int64_t first_filter;
  PixelRange range;
  Transform change;

  __device__ __forceinline__ void load(int step, int line, int pack, T* shared) const {
    const std::int64_t pixel = range.begin + static_cast<std::int64_t>(step) * BK + line;
    const std::int64_t filter = first_filter + pack;
    const std::int64_t rest = pixel < range.end ? filters - filter : 0;
    const int count = static_cast<int>(rest < Operand::kPackWidth ? rest : Operand::kPackWidth);
    const T* source = grad_y.at(count > 0 ? pixel : 0, count > 0 ? filter : 0);
    if constexpr (VECTOR || !Transform::kActive) {
      copy_pack<VECTOR>(shared, source, grad_y.data, count);
    } else {
#pragma unroll
      for (int i = 0; i < Operand::kPackWidth; ++i) {
        shared[i] = i < count ? changed(source[i], pixel, filter + i) : from_float<T>(0.0F);
      }
    }
    if constexpr (kTiles == 2) {
      copy_pack<true>(shared + Operand::kElements,
                      change.y.at(count > 0 ? pixel : 0, count > 0 ? filter : 0), change.y.data,
                      count);
    }
  }

  /// Pixels behind the range and filters behind the last stay zero.
  __device__ __forceinline__ void transform(int step, int line, int pack, T* shared) const {
    const std::int64_t pixel = range.begin + static_cast<std::int64_t>(step) * BK + line;
    const std::int64_t filter = first_filter + pack;
    if (pixel < range.end && filter < filters) {
      transform_pack(change, shared, shared + Operand::kElements,
                     static_cast<std::int32_t>(filter));
    }
  }

 private:
  __device__ __forceinline__ T changed(T value, std::int64_t pixel, std::int64_t filter) const {
    const auto channel = static_cast<std::int32_t>(filter);
    if constexpr (Transform::kTiles == 2) {
      return from_float<T>(change(to_float(value), to_float(*change.y.at(pixel, filter)), channel));
    } else {
      return from_float<T>(change(to_float(value), 0.0F, channel));
    }
  }
};

/// x gathered: a line is a pixel of grad_y, columns are (tap, channel). The transform has no
/// companion.
template <class T, int EXTENT, int BK, bool VECTOR, class Transform>
struct PatchLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  static_assert(Transform::kTiles == 1);
  static constexpr int kTiles = 1;
  static constexpr bool kInPlace = VECTOR && Transform::kActive;
  ConstRows<T> x;
  GatherShape shape;
  std::int64_t columns;
  std::int64_t first_column;
  PixelRange range;
  Transform change;

  __device__ __forceinline__ void load(int step, int line, int pack, T* shared) const {
    const PixelRow row = row_of(step, line);
    const auto column = static_cast<std::int32_t>(first_column + pack);
    if constexpr (VECTOR) {
      const T* source = address(row, column);
      copy_pack<true>(shared, source, x.data, source != nullptr ? Operand::kPackWidth : 0);
    } else {
#pragma unroll
      for (int i = 0; i < Operand::kPackWidth; ++i) {
        shared[i] = element(row, column + i);
      }
    }
  }

  /// Taps outside the image stay zero.
  __device__ __forceinline__ void transform(int step, int line, int pack, T* shared) const {
    const auto column = static_cast<std::int32_t>(first_column + pack);
    if (address(row_of(step, line), column) != nullptr) {
      transform_pack(change, shared, shared, column % shape.channels);
    }
  }

 private:
  __device__ __forceinline__ PixelRow row_of(int step, int line) const {
    const std::int64_t pixel = range.begin + static_cast<std::int64_t>(step) * BK + line;
    return pixel < range.end ? decode_row<Direction::forward>(shape, pixel) : PixelRow{-1, 0, 0};
  }
  __device__ __forceinline__ T element(const PixelRow& row, std::int32_t column) const {
    const T* source = address(row, column);
    if (source == nullptr) {
      return from_float<T>(0.0F);
    }
    if constexpr (Transform::kActive) {
      return from_float<T>(change(to_float(*source), 0.0F, column % shape.channels));
    } else {
      return *source;
    }
  }
  __device__ __forceinline__ const T* address(const PixelRow& row, std::int32_t column) const {
    if (column >= columns) {
      return nullptr;
    }
    const std::int32_t tap = column / shape.channels;
    const std::int64_t pixel =
        source_pixel<Direction::forward>(shape, row, tap / shape.S, tap % shape.S);
    return pixel >= 0 ? x.at(pixel, column - tap * shape.channels) : nullptr;
  }
};

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
