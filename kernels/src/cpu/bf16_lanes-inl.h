// SPDX-License-Identifier: Apache-2.0
// Vectors of floats from and to bfloat16 in memory. Widening is exact; narrowing rounds to nearest,
// ties to even, and keeps NaN a NaN, as bf16_bits does.
#if defined(ACCRETE_KERNELS_CPU_BF16_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_KERNELS_CPU_BF16_LANES_INL_H_
#undef ACCRETE_KERNELS_CPU_BF16_LANES_INL_H_
#else
#define ACCRETE_KERNELS_CPU_BF16_LANES_INL_H_
#endif

#include <cstdint>

#include "cpu/bf16_instructions.h"
#include "cpu/element.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

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

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
