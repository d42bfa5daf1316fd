// SPDX-License-Identifier: Apache-2.0
// Runs of neighbouring floats. They are written in whole vectors, so up to kMaxLanes - 1 floats
// behind a run are overwritten.
#if defined(ACCRETE_CPU_GEMM_COPY_RUN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ACCRETE_CPU_GEMM_COPY_RUN_INL_H_
#undef ACCRETE_CPU_GEMM_COPY_RUN_INL_H_
#else
#define ACCRETE_CPU_GEMM_COPY_RUN_INL_H_
#endif

#include <cstdint>

#include "cpu/gemm/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace accrete::kernels::cpu {
namespace HWY_NAMESPACE {

HWY_INLINE void zero_run(float* target, std::int64_t count) {
  const FloatTag d;
  for (std::int64_t i = 0; i < count; i += kLanes) {
    hn::StoreU(hn::Zero(d), d, target + i);
  }
}

/// `count` floats; as many may be read behind the source as are written behind the target.
HWY_INLINE void copy_floats(const float* source, std::int64_t count, float* target) {
  const FloatTag d;
  for (std::int64_t i = 0; i < count; i += kLanes) {
    hn::StoreU(hn::LoadU(d, source + i), d, target + i);
  }
}

/// `count` neighbouring channels from `channel` on, through the transform.
template <class Transform>
HWY_INLINE void copy_run(const Transform& transform, const float* source, std::int64_t channel,
                         std::int64_t count, float* target) {
  const FloatTag d;
  const auto run = transform.bind(source, channel);
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    hn::StoreU(run.load(i), d, target + i);
  }
  if (i < count) {
    hn::StoreU(run.load_some(i, count - i), d, target + i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace accrete::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
