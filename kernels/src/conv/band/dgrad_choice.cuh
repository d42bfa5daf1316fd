// SPDX-License-Identifier: Apache-2.0
// Tiles of the data's gradient, and what its epilogue gets.
#pragma once

#include "conv/band/dgrad_kernel.cuh"
#include "conv/band/launch.cuh"
#include "conv/band/tuning.cuh"

namespace accrete::kernels::cuda {

/// The first shape, in order of preference, for which take.template operator()<Shape>(most shared
/// bytes) is true; false if there is none.
template <int SIDE, int ALIGN, class Change, class Target, class Take>
bool with_dgrad_shape(const Take& take) {
  if constexpr (SIDE == 1) {
    return take.template
    operator()<DgradShape<1, Dgrad1Tile, kDgrad1Slices, kDgrad1Stages, Change, Target, ALIGN>>(
        kAnySharedBytes);
  } else {
    return take.template
           operator()<DgradShape<3, Dgrad3Tile, 3, kDgrad3Stages, Change, Target, ALIGN>>(
               kHalfSharedBytes) ||
           take.template operator()<DgradShape<3, Tile<128, 32, 32, 32, kSlice>, 3, kDgrad3Stages,
                                               Change, Target, ALIGN>>(kAnySharedBytes);
  }
}

/// The results of the tile's chunks are still to be given.
inline NormGradientTarget norm_gradient_target(const ConstTensorView& x, const NormRelu& norm,
                                               const NormReluGradient& out) {
  return {PackSource(x),
          Rows<bf16>(out.g),
          out.mode == GradMode::accumulate,
          NormGradientVectors(norm, out),
          ChunkResults{},
          NormGradientSums(norm, out)};
}

}  // namespace accrete::kernels::cuda
