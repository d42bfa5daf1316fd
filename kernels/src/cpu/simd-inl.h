// SPDX-License-Identifier: Apache-2.0
// Vectors of floats of the instruction set being compiled, from and to memory that holds floats or
// bfloat16: whole, in part, and along rows of channels.
#if defined(ACCRETE_CPU_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_SIMD_INL_H_
#undef ACCRETE_CPU_SIMD_INL_H_
#else
#define ACCRETE_CPU_SIMD_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "cpu/element.h"
#include "hwy/highway.h"

// For lambdas: the target attribute of the enclosing namespace does not reach them, and a call per
// vector would cost more than its work.
#undef ACCRETE_VECTOR_BODY
#define ACCRETE_VECTOR_BODY HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

// Vectors of floats from and to bfloat16 in memory. Widening is exact; narrowing rounds to nearest,
// ties to even, and keeps NaN a NaN, as bf16_bits does.

namespace hn = hwy::HWY_NAMESPACE;

/// The bits of a vector D of floats in half the width.
template <class D>
using HalfBits = hn::Rebind<std::uint16_t, D>;

HWY_INLINE const std::uint16_t* bits_of(const Bf16* from) {
  return reinterpret_cast<const std::uint16_t*>(from);
}
HWY_INLINE std::uint16_t* bits_of(Bf16* to) {
  return reinterpret_cast<std::uint16_t*>(to);
}

template <class D>
HWY_INLINE hn::Vec<D> widen(D d, hn::Vec<HalfBits<D>> bits) {
  const hn::Rebind<std::uint32_t, D> whole;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(whole, bits)));
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
/// By one instruction, where kHasBf16Instructions.
HWY_INLINE hn::Vec<hn::Full256<std::uint16_t>> narrow_at_once(hn::Vec<hn::Full512<float>> value) {
  // Not an intrinsic: those can only be used where all code may use the extension. Takes denormals
  // as zero, which kernels never meet: their threads flush them.
  hn::Vec<hn::Full256<std::uint16_t>> halves;
  __asm__("vcvtneps2bf16 %1, %0" : "=v"(halves.raw) : "v"(value.raw));
  return halves;
}
#endif

template <class D>
HWY_INLINE hn::Vec<HalfBits<D>> narrow(D /*d*/, hn::Vec<D> value) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  if constexpr (hn::MaxLanes(D()) == 16) {
    if (kHasBf16Instructions) {
      return narrow_at_once(value);
    }
  }
#endif
  const hn::Rebind<std::uint32_t, D> whole;
  const auto bits = hn::BitCast(whole, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(whole, 1U));
  const auto rounded = hn::Add(hn::Add(bits, hn::Set(whole, 0x7FFFU)), odd);
  const auto quiet = hn::Or(bits, hn::Set(whole, 0x400000U));
  const auto is_nan = hn::RebindMask(whole, hn::IsNaN(value));
  return hn::TruncateTo(HalfBits<D>(), hn::ShiftRight<16>(hn::IfThenElse(is_nan, quiet, rounded)));
}

/// v as it comes back from a store to T.
template <class T, class D>
HWY_INLINE hn::Vec<D> rounded(D d, hn::Vec<D> v) {
  if constexpr (sizeof(T) == sizeof(Bf16)) {
    return widen(d, narrow(d, v));
  } else {
    return v;
  }
}

// Walks a row of channels in vectors. Rows may be of float or Bf16; what is computed with is always
// a vector of floats. The end of a row is handled with masks (AVX-512) or with
// narrower vectors, never by touching the channels behind it: they belong to other tensors, which
// other threads may be writing.

/// All lanes of D.
template <class D>
struct FullAccess {
  using V = hn::Vec<D>;
  using Int = hn::Rebind<std::int32_t, D>;
  using Half = HalfBits<D>;
  using Byte = hn::Rebind<std::uint8_t, D>;
  D d;

  HWY_INLINE V load(const float* from) const { return hn::LoadU(d, from); }
  HWY_INLINE V load(const Bf16* from) const { return widen(d, hn::LoadU(Half(), bits_of(from))); }
  HWY_INLINE void store(V v, float* to) const { hn::StoreU(v, d, to); }
  HWY_INLINE void store(V v, Bf16* to) const { hn::StoreU(narrow(d, v), Half(), bits_of(to)); }
  HWY_INLINE hn::Vec<Int> load_bytes(const std::uint8_t* from) const {
    return hn::PromoteTo(Int(), hn::LoadU(Byte(), from));
  }
  HWY_INLINE void store_bytes(hn::Vec<Int> v, std::uint8_t* to) const {
    hn::StoreU(hn::DemoteTo(Byte(), v), Byte(), to);
  }
  // Arrays padded to kMaxLanes need no mask.
  HWY_INLINE V load_padded(const float* from) const { return hn::LoadU(d, from); }
  HWY_INLINE void store_padded(V v, float* to) const { hn::StoreU(v, d, to); }
};

/// Vectors as long as the registers are.
using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;
constexpr std::int64_t kLanes = HWY_LANES(float);
/// A vector of bfloat16 as long as FloatVec.
using HalfTag = HalfBits<FloatTag>;
using HalfVec = hn::Vec<HalfTag>;

/// All of them, at any address of floats or bfloat16.
template <class T>
HWY_INLINE FloatVec load_lanes(const T* source) {
  return FullAccess<FloatTag>{FloatTag()}.load(source);
}
template <class T>
HWY_INLINE void store_lanes(FloatVec value, T* target) {
  FullAccess<FloatTag>{FloatTag()}.store(value, target);
}

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

/// Past the caches, to an address that is aligned to whole vectors.
HWY_INLINE void stream_lanes(FloatVec value, float* target) {
  hn::Stream(value, FloatTag(), target);
}
HWY_INLINE void stream_lanes(FloatVec value, Bf16* target) {
  hn::Stream(narrow(FloatTag(), value), HalfTag(), bits_of(target));
}

#if HWY_TARGET <= HWY_AVX3
/// The first `count` lanes; the others read as zero and are not written.
template <class D>
struct MaskedAccess : FullAccess<D> {
  using typename FullAccess<D>::V;
  using typename FullAccess<D>::Int;
  using typename FullAccess<D>::Half;
  using typename FullAccess<D>::Byte;
  hn::Mask<D> mask;
  hn::Mask<Half> half_mask;
  hn::Mask<Byte> byte_mask;

  HWY_INLINE MaskedAccess(D tag, std::size_t count)
      : FullAccess<D>{tag},
        mask(hn::FirstN(tag, count)),
        half_mask(hn::FirstN(Half(), count)),
        byte_mask(hn::FirstN(Byte(), count)) {}

  HWY_INLINE V load(const float* from) const { return hn::MaskedLoad(mask, this->d, from); }
  HWY_INLINE V load(const Bf16* from) const {
    return widen(this->d, hn::MaskedLoad(half_mask, Half(), bits_of(from)));
  }
  HWY_INLINE void store(V v, float* to) const { hn::BlendedStore(v, mask, this->d, to); }
  HWY_INLINE void store(V v, Bf16* to) const {
    hn::BlendedStore(narrow(this->d, v), half_mask, Half(), bits_of(to));
  }
  HWY_INLINE hn::Vec<Int> load_bytes(const std::uint8_t* from) const {
    return hn::PromoteTo(Int(), hn::MaskedLoad(byte_mask, Byte(), from));
  }
  HWY_INLINE void store_bytes(hn::Vec<Int> v, std::uint8_t* to) const {
    hn::BlendedStore(hn::DemoteTo(Byte(), v), byte_mask, Byte(), to);
  }
};
#endif

/// Calls body(access, channel) for consecutive groups of lanes that cover [0, channels).
template <class Body>
HWY_INLINE void for_each_vector(std::int64_t channels, const Body& body) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) {
    body(FullAccess<decltype(d)>{d}, c);
  }
#if HWY_TARGET <= HWY_AVX3
  if (c < channels) {
    body(MaskedAccess<decltype(d)>(d, static_cast<std::size_t>(channels - c)), c);
  }
#else
#if HWY_TARGET != HWY_SCALAR
  using Quad = hn::FixedTag<float, 4>;
  for (; c + 4 <= channels; c += 4) {
    body(FullAccess<Quad>{Quad()}, c);
  }
#endif
  using Single = hn::FixedTag<float, 1>;
  for (; c < channels; ++c) {
    body(FullAccess<Single>{Single()}, c);
  }
#endif
}

/// max(0, v); NaN stays NaN.
template <class D>
HWY_INLINE hn::Vec<D> rectify(D d, hn::Vec<D> v) {
  return hn::IfThenZeroElse(hn::Le(v, hn::Zero(d)), v);
}

/// v where gate > 0, else 0.
template <class D>
HWY_INLINE hn::Vec<D> gate_positive(D d, hn::Vec<D> gate, hn::Vec<D> v) {
  return hn::IfThenElseZero(hn::Gt(gate, hn::Zero(d)), v);
}

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
