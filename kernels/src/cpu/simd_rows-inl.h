// SPDX-License-Identifier: Apache-2.0
// Walks a row of channels in vectors. Rows may be of float or Bf16; what is computed with is always
// a vector of floats. The end of a row is handled with masks (AVX-512) or with
// narrower vectors, never by touching the channels behind it: they belong to other tensors, which
// other threads may be writing.
#if defined(ACCRETE_KERNELS_CPU_SIMD_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_KERNELS_CPU_SIMD_ROWS_INL_H_
#undef ACCRETE_KERNELS_CPU_SIMD_ROWS_INL_H_
#else
#define ACCRETE_KERNELS_CPU_SIMD_ROWS_INL_H_
#endif

#include <cstdint>

#include "cpu/bf16_lanes-inl.h"

// For lambdas: the target attribute of the enclosing namespace does not reach them, and a call per
// vector would cost more than its work.
#undef ACCRETE_VECTOR_BODY
#define ACCRETE_VECTOR_BODY HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

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
  // Arrays padded to kLanePadding need no mask.
  HWY_INLINE V load_padded(const float* from) const { return hn::LoadU(d, from); }
  HWY_INLINE void store_padded(V v, float* to) const { hn::StoreU(v, d, to); }
};

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
