// SPDX-License-Identifier: Apache-2.0
// Batch norm as y = scale * x + shift. Forward and backward both take the two factors and the sum
// from here: the ReLU mask that backward recomputes is then the one of the forward pass, bit for
// bit.
#if defined(ACCRETE_KERNELS_CPU_BATCH_NORM_AFFINE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_KERNELS_CPU_BATCH_NORM_AFFINE_INL_H_
#undef ACCRETE_KERNELS_CPU_BATCH_NORM_AFFINE_INL_H_
#else
#define ACCRETE_KERNELS_CPU_BATCH_NORM_AFFINE_INL_H_
#endif

#include "cpu/batch_norm.h"
#include "cpu/row_tiles.h"
#include "cpu/simd_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

/// Scratch of one value per channel of a tile.
struct TileVector {
  alignas(64) float values[kMaxTileChannels];
};

/// scale = gamma * inv_std, shift = beta - mean * scale.
HWY_INLINE void affine_factors(const RowTile& tile, const BatchNormVectors& vectors,
                               const float* inv_std, TileVector& scale, TileVector& shift) {
  const float* gamma = vectors.gamma + tile.channel;
  const float* beta = vectors.beta + tile.channel;
  const float* mean = vectors.mean + tile.channel;
  for_each_vector(tile.channels, [&](const auto& io, std::int64_t c) ACCRETE_VECTOR_BODY {
    const auto factor = hn::Mul(io.load(gamma + c), io.load(inv_std + c));
    io.store_padded(factor, scale.values + c);
    io.store_padded(hn::NegMulAdd(io.load(mean + c), factor, io.load(beta + c)), shift.values + c);
  });
}

template <class V>
HWY_INLINE V affine(V x, V scale, V shift) {
  return hn::MulAdd(x, scale, shift);
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
