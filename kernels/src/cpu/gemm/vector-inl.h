// SPDX-License-Identifier: Apache-2.0
// Vectors of floats of the instruction set being compiled, from and to memory that holds floats or
// bfloat16, whole and in part.
#if defined(ACCRETE_CPU_GEMM_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_VECTOR_INL_H_
#undef ACCRETE_CPU_GEMM_VECTOR_INL_H_
#else
#define ACCRETE_CPU_GEMM_VECTOR_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "cpu/bf16_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;
constexpr std::int64_t kLanes = HWY_LANES(float);
/// A vector of bfloat16 as long as FloatVec.
using HalfTag = HalfBits<FloatTag>;
using HalfVec = hn::Vec<HalfTag>;
/// Partial loads and stores are instructions of their own and never touch what they leave out.
constexpr bool kMasked = HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2;
constexpr bool kMaskedHalves = HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3;

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

/// The same of bfloat16, as they are.
HWY_INLINE HalfVec load_some_halves(const Bf16* source, std::int64_t count) {
  const HalfTag d;
  if constexpr (kMaskedHalves) {
    return hn::MaskedLoad(hn::FirstN(d, static_cast<std::size_t>(count)), d, bits_of(source));
  } else {
    HWY_ALIGN std::uint16_t lanes[kLanes] = {};
    std::memcpy(lanes, source, static_cast<std::size_t>(count) * sizeof(Bf16));
    return hn::Load(d, lanes);
  }
}
HWY_INLINE FloatVec load_some(const Bf16* source, std::int64_t count) {
  return widen(FloatTag(), load_some_halves(source, count));
}
HWY_INLINE void store_some(FloatVec value, Bf16* target, std::int64_t count) {
  const HalfTag d;
  const HalfVec halves = narrow(FloatTag(), value);
  if constexpr (kMaskedHalves) {
    hn::BlendedStore(halves, hn::FirstN(d, static_cast<std::size_t>(count)), d, bits_of(target));
  } else {
    HWY_ALIGN std::uint16_t lanes[kLanes];
    hn::Store(halves, d, lanes);
    std::memcpy(target, lanes, static_cast<std::size_t>(count) * sizeof(Bf16));
  }
}

/// All lanes, at any address.
HWY_INLINE FloatVec load_lanes(const float* source) {
  return hn::LoadU(FloatTag(), source);
}
HWY_INLINE FloatVec load_lanes(const Bf16* source) {
  return widen(FloatTag(), hn::LoadU(HalfTag(), bits_of(source)));
}
HWY_INLINE void store_lanes(FloatVec value, float* target) {
  hn::StoreU(value, FloatTag(), target);
}
HWY_INLINE void store_lanes(FloatVec value, Bf16* target) {
  hn::StoreU(narrow(FloatTag(), value), HalfTag(), bits_of(target));
}

/// Past the caches, to an address that is aligned to whole vectors.
HWY_INLINE void stream_lanes(FloatVec value, float* target) {
  hn::Stream(value, FloatTag(), target);
}
HWY_INLINE void stream_lanes(FloatVec value, Bf16* target) {
  hn::Stream(narrow(FloatTag(), value), HalfTag(), bits_of(target));
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
