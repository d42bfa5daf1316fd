// SPDX-License-Identifier: Apache-2.0
// Vectors of floats of the instruction set being compiled, and partial loads and stores.
#if defined(ACCRETE_CPU_GEMM_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_VECTOR_INL_H_
#undef ACCRETE_CPU_GEMM_VECTOR_INL_H_
#else
#define ACCRETE_CPU_GEMM_VECTOR_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;
constexpr std::int64_t kLanes = HWY_LANES(float);
/// Partial loads and stores are instructions of their own and never touch what they leave out.
constexpr bool kMasked = HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2;

/// The first `count` < kLanes floats, zero behind them.
HWY_INLINE FloatVec load_some(const float* source, std::int64_t count) {
  const FloatTag d;
  if constexpr (kMasked) {
    return hn::MaskedLoad(hn::FirstN(d, static_cast<std::size_t>(count)), d, source);
  } else {
    HWY_ALIGN float lanes[kLanes] = {};
    std::memcpy(lanes, source, static_cast<std::size_t>(count) * sizeof(float));
    return hn::Load(d, lanes);
  }
}

/// Stores the first `count` < kLanes floats.
HWY_INLINE void store_some(FloatVec value, float* target, std::int64_t count) {
  const FloatTag d;
  if constexpr (kMasked) {
    hn::BlendedStore(value, hn::FirstN(d, static_cast<std::size_t>(count)), d, target);
  } else {
    HWY_ALIGN float lanes[kLanes];
    hn::Store(value, d, lanes);
    std::memcpy(target, lanes, static_cast<std::size_t>(count) * sizeof(float));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
