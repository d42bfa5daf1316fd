// SPDX-License-Identifier: Apache-2.0
// Runs of neighbouring elements. They are written in whole vectors, so up to a vector less one
// element behind a run is overwritten.
#if defined(ACCRETE_CPU_GEMM_COPY_RUN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_COPY_RUN_INL_H_
#undef ACCRETE_CPU_GEMM_COPY_RUN_INL_H_
#else
#define ACCRETE_CPU_GEMM_COPY_RUN_INL_H_
#endif

#include <cstdint>
#include <type_traits>

#include "cpu/gemm/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

/// Vectors of elements that are moved as they are.
inline float* raw(float* elements) {
  return elements;
}
inline const float* raw(const float* elements) {
  return elements;
}
inline std::uint16_t* raw(Bf16* elements) {
  return bits_of(elements);
}
inline const std::uint16_t* raw(const Bf16* elements) {
  return bits_of(elements);
}
template <class T>
using Raw = std::remove_pointer_t<decltype(raw(static_cast<T*>(nullptr)))>;
template <class T>
using RawTag = hn::ScalableTag<Raw<T>>;
template <class T>
constexpr std::int64_t kRawLanes = HWY_LANES(Raw<T>);

template <class T>
HWY_INLINE void zero_run(T* target, std::int64_t count) {
  const RawTag<T> d;
  for (std::int64_t i = 0; i < count; i += kRawLanes<T>) {
    hn::StoreU(hn::Zero(d), d, raw(target + i));
  }
}

/// `count` elements; as many may be read behind the source as are written behind the target.
template <class T>
HWY_INLINE void copy_padded(const T* source, std::int64_t count, T* target) {
  const RawTag<T> d;
  for (std::int64_t i = 0; i < count; i += kRawLanes<T>) {
    hn::StoreU(hn::LoadU(d, raw(source + i)), d, raw(target + i));
  }
}

/// `count` elements and nothing behind the source.
HWY_INLINE void copy_exact(const float* source, std::int64_t count, float* target) {
  const FloatTag d;
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    hn::StoreU(hn::LoadU(d, source + i), d, target + i);
  }
  if (i < count) {
    hn::StoreU(load_some(source + i, count - i), d, target + i);
  }
}
HWY_INLINE void copy_exact(const Bf16* source, std::int64_t count, Bf16* target) {
  const HalfTag half;
  const RawTag<Bf16> d;
  std::int64_t i = 0;
  for (; i + kRawLanes<Bf16> <= count; i += kRawLanes<Bf16>) {
    hn::StoreU(hn::LoadU(d, raw(source + i)), d, raw(target + i));
  }
  for (; i + kLanes <= count; i += kLanes) {
    hn::StoreU(hn::LoadU(half, raw(source + i)), half, raw(target + i));
  }
  if (i < count) {
    hn::StoreU(load_some_halves(source + i, count - i), half, raw(target + i));
  }
}

/// `count` neighbouring channels from `channel` on, through the transform.
template <class Transform, class T, class Packed>
HWY_INLINE void copy_run(const Transform& transform, const T* source, std::int64_t channel,
                         std::int64_t count, Packed* target) {
  if constexpr (!Transform::kPerChannel && std::is_same_v<T, Packed>) {
    copy_exact(source, count, target);
  } else {
    const auto run = transform.bind(source, channel);
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      store_lanes(run.load(i), target + i);
    }
    if (i < count) {
      store_lanes(run.load_some(i, count - i), target + i);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
