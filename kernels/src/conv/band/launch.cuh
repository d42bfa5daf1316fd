// SPDX-License-Identifier: Apache-2.0
// Which problems band kernels take, and how their launches are put together.
#pragma once

#include <algorithm>

#include "conv/band/copies.cuh"
#include "conv/band/slots.cuh"
#include "cuda/launch.cuh"

namespace accrete::kernels::cuda {

/// Bytes, 16 or 8, that every row of a bf16 tensor begins at a multiple of and holds a multiple of;
/// 0 where it is neither, or the tensor is f32.
inline int row_alignment(const ConstTensorView& view) {
  const auto fits = [&](int bytes) {
    return reinterpret_cast<std::uintptr_t>(view.data) % static_cast<unsigned>(bytes) == 0 &&
           view.pitch * 2 % bytes == 0 && view.shape.c * 2 % bytes == 0;
  };
  return view.dtype != DType::bf16 ? 0 : fits(16) ? 16 : fits(8) ? 8 : 0;
}
template <class... Views>
int row_alignment(const ConstTensorView& first, const Views&... others) {
  return std::min(row_alignment(first), row_alignment(others...));
}

/// The side of a problem whose weights' gradient is one for band kernels, which store pairs of it;
/// 0 for others.
inline int wgrad_side(const ConvProblem& problem, int alignment, const TensorView& grad_weight) {
  const bool pairs = reinterpret_cast<std::uintptr_t>(grad_weight.data) % sizeof(float2) == 0;
  return alignment != 0 && pairs ? band_side(problem) : 0;
}

/// call.template operator()<SIDE, ALIGN>(), which returns whether it could launch; false where the
/// problem is none for band kernels.
template <class Call>
bool with_band(const ConvProblem& problem, int alignment, const Call& call) {
  const int side = band_side(problem);
  if (side == 0 || alignment == 0) {
    return false;
  }
  const auto with_side = [&]<int SIDE>() {
    return alignment == 16 ? call.template operator()<SIDE, 16>()
                           : call.template operator()<SIDE, 8>();
  };
  return side == 1 ? with_side.template operator()<1>() : with_side.template operator()<3>();
}

/// Shared memory with which two blocks have room on one multiprocessor: of 228 KiB on sm_90, 1 KiB
/// goes to the system for each block.
constexpr std::uint32_t kHalfSharedBytes = 113 * 1024;

constexpr std::uint32_t kAnySharedBytes = ~0U;

/// Whether a block with so much dynamic shared memory, of which `most` is wanted, can be launched.
inline bool has_room(const Stream& stream, std::uint32_t shared_bytes, std::uint32_t most) {
  return shared_bytes <= most && shared_bytes <= dynamic_shared_limit(stream.device().index);
}

}  // namespace accrete::kernels::cuda
