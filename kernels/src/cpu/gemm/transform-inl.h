// SPDX-License-Identifier: Apache-2.0
// What happens to activations on their way into a packed operand.
//
// A transform is a copyable struct with
//   static constexpr bool kPerChannel;  // false: the channel argument is ignored
//   FloatVec operator()(FloatVec value, std::int64_t channel) const;
// It is applied to runs of neighbouring channels: lane i of `value` belongs to channel + i. Lanes
// behind the last channel may hold anything and are ignored, so per-channel tables must be readable
// for kMaxLanes floats behind their end. Taps outside the image are zero after the transform: they
// never reach it.
#if defined(ACCRETE_CPU_GEMM_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_TRANSFORM_INL_H_
#undef ACCRETE_CPU_GEMM_TRANSFORM_INL_H_
#else
#define ACCRETE_CPU_GEMM_TRANSFORM_INL_H_
#endif

#include <cstdint>

#include "cpu/gemm/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

struct Identity {
  static constexpr bool kPerChannel = false;
  HWY_INLINE FloatVec operator()(FloatVec value, std::int64_t /*channel*/) const { return value; }
};

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
