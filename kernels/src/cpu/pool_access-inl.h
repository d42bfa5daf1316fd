// SPDX-License-Identifier: Apache-2.0
// How pooling reads its input and the gradient of its output, and where it puts the gradient of its
// input. The loops over windows take these, or those of norm_relu_access-inl.h, as arguments.
#if defined(ACCRETE_KERNELS_CPU_POOL_ACCESS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_KERNELS_CPU_POOL_ACCESS_INL_H_
#undef ACCRETE_KERNELS_CPU_POOL_ACCESS_INL_H_
#else
#define ACCRETE_KERNELS_CPU_POOL_ACCESS_INL_H_
#endif

#include "accrete/kernels/grad_mode.h"
#include "cpu/row_tiles.h"
#include "cpu/simd_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu::HWY_NAMESPACE {

/// The value as it is.
struct PlainLoad {
  template <class Access, class T>
  HWY_INLINE auto load(const Access& io, const T* pixel, std::int64_t c) const {
    return io.load(pixel + c);
  }
};

/// A gradient as it is.
template <class T>
struct PlainGradient {
  ConstRows<T> rows;
  std::int64_t channel = 0;

  using Pixel = const T*;
  Pixel pixel(std::int64_t row) const { return rows.at(row, channel); }

  template <class Access>
  HWY_INLINE auto load(const Access& io, Pixel pixel, std::int64_t c) const {
    return io.load(pixel + c);
  }
};

/// The gradient of a tensor that was read as it is.
template <GradMode kMode, class T>
struct PlainSink {
  Rows<T> rows;

  template <class Access>
  HWY_INLINE void put(const Access& io, std::int64_t row, std::int64_t c,
                      typename Access::V gradient) const {
    T* const to = rows.at(row, c);
    if constexpr (kMode == GradMode::accumulate) {
      io.store(hn::Add(io.load(to), gradient), to);
    } else {
      io.store(gradient, to);
    }
  }
};

}  // namespace accrete::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
