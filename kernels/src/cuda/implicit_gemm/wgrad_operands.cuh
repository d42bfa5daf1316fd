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
  GatheredRows<T> grad_y;
  std::int32_t filters, first_filter;
  PixelRange range;
  Transform change;

  struct Step {
    std::int64_t pixel;  ///< of line 0
    std::int32_t filter, count;
  };
  __device__ __forceinline__ Step at(int step, int pack) const {
    const int filter = first_filter + pack;
    const int rest = filters - filter;
    return {range.begin + static_cast<std::int64_t>(step) * BK, filter,
            rest < Operand::kPackWidth ? rest : Operand::kPackWidth};
  }
  __device__ __forceinline__ void load(const Step& at, int line, T* shared) const {
    const std::int64_t pixel = at.pixel + line;
    const int count = pixel < range.end ? at.count : 0;
    if constexpr (VECTOR) {
      copy_pack<true>(shared, grad_y.at(pixel, at.filter), count);
      if constexpr (kTiles == 2) {
        copy_pack<true>(shared + Operand::kElements, change.y.at(pixel, at.filter), count);
      }
    } else {
#pragma unroll
      for (int i = 0; i < Operand::kPackWidth; ++i) {
        shared[i] =
            i < count ? transformed(change, grad_y, pixel, at.filter + i) : from_float<T>(0.0F);
      }
    }
  }

  /// Pixels behind the range and filters behind the last stay zero.
  __device__ __forceinline__ void transform(const Step& at, int line, T* shared) const {
    if (at.pixel + line < range.end && at.count > 0) {
      transform_pack(change, shared, shared + Operand::kElements, at.filter);
    }
  }
};

/// x gathered: a line is a pixel of grad_y, columns are (tap, channel). A thread keeps its pack of
/// columns, which is decoded once. The transform has no companion.
template <class T, int EXTENT, int BK, bool VECTOR, class Transform>
struct PatchLoader {
  using Operand = OperandTile<T, EXTENT, BK, Order::extent_contiguous>;
  static_assert(Transform::kTiles == 1);
  static constexpr int kTiles = 1;
  static constexpr bool kInPlace = VECTOR && Transform::kActive;
  static constexpr int kTapsOfPack = VECTOR ? 1 : Operand::kPackWidth;
  GatheredRows<T> x;
  const ImageWalk& walk;
  PixelRange range;
  Transform change;
  TapPlace tap[kTapsOfPack];
  std::int32_t channel[kTapsOfPack];

  __device__ __forceinline__ PatchLoader(const GatheredRows<T>& image, const ImageWalk& image_walk,
                                         const PixelRange& pixels, const Transform& transform,
                                         std::int64_t first_column)
      : x(image), walk(image_walk), range(pixels), change(transform) {
    const int pack = static_cast<int>(threadIdx.x) % Operand::kPacksPerLine * Operand::kPackWidth;
#pragma unroll
    for (int i = 0; i < kTapsOfPack; ++i) {
      const int column = static_cast<int>(first_column) + pack + i;
      const int number = walk.tap_of(column);
      tap[i] = walk.tap_place(number);
      channel[i] = column - number * walk.channels();
    }
  }

  struct Step {
    std::int64_t pixel;  ///< of line 0
  };
  __device__ __forceinline__ Step at(int step, int /*pack*/) const {
    return {range.begin + static_cast<std::int64_t>(step) * BK};
  }
  __device__ __forceinline__ void load(const Step& at, int line, T* shared) const {
    const PixelRow row = row_of(at.pixel + line);
    if constexpr (VECTOR) {
      copy_pack<true>(shared, x.at(row.pixel + tap[0].pixel, channel[0]),
                      walk.inside(row, tap[0]) ? Operand::kPackWidth : 0);
    } else {
#pragma unroll
      for (int i = 0; i < kTapsOfPack; ++i) {
        shared[i] = walk.inside(row, tap[i])
                        ? transformed(change, x, row.pixel + tap[i].pixel, channel[i])
                        : from_float<T>(0.0F);
      }
    }
  }

  /// Taps outside the image stay zero.
  __device__ __forceinline__ void transform(const Step& at, int line, T* shared) const {
    if (walk.inside(row_of(at.pixel + line), tap[0])) {
      transform_pack(change, shared, shared, channel[0]);
    }
  }

 private:
  __device__ __forceinline__ PixelRow row_of(std::int64_t pixel) const {
    return walk.row(pixel < range.end ? pixel : walk.rows());
  }
};

}  // namespace ACCRETE_CUDA_ABI
}  // namespace accrete::kernels::cuda
